"""PyTorch state dicts as neutral stores: ``.safetensors`` without torch, ``.pth`` with it."""

from __future__ import annotations

from torch_to_neutral.read import read

__all__ = ["read"]
