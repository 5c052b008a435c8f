"""Products that torch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


def khatri_rao(a: Tensor, b: Tensor) -> Tensor:
    """Return the Kronecker product, column by column."""
    return (a.unsqueeze(1) * b).flatten(0, 1)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum products over the last axis of ``a`` and the last but one of ``b``."""
    if not a.ndim or not b.ndim:
        return a * b
    return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))
