"""A neutral store back into an MXNet checkpoint: the one it was made from, or one with other weights."""

from __future__ import annotations

from neutral_to_mxnet.restore import restore
from neutral_to_mxnet.write import Written, write

__all__ = ["Written", "restore", "write"]
