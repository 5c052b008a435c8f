"""Read PyTorch state dicts as neutral stores: ``.safetensors`` without torch, ``.pth`` and ``.pt`` with it."""

from __future__ import annotations

from torch_to_neutral.reading import read

__all__ = ["read"]
