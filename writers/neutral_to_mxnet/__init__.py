"""Write MXNet checkpoints from stores: the original files, or the same network with other weights."""

from __future__ import annotations

from neutral_to_mxnet.checkpoint import Written, write
from neutral_to_mxnet.restoration import restore

__all__ = ["Written", "restore", "write"]
