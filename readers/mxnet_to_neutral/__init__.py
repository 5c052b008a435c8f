"""Read MXNet checkpoints as neutral stores, without MXNet."""

from __future__ import annotations

from mxnet_to_neutral.reading import read

__all__ = ["read"]
