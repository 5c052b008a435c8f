"""A neutral store back into the MXNet checkpoint it was made from."""

from __future__ import annotations

from neutral_to_mxnet.restore import restore

__all__ = ["restore"]
