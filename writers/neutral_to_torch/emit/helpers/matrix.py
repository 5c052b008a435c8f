"""Products that PyTorch does not offer."""

from __future__ import annotations

from torch import Tensor


def khatri_rao(a: Tensor, b: Tensor) -> Tensor:
    """The Kronecker product, column by column."""
    return (a.unsqueeze(1) * b).flatten(0, 1)
