"""Tensors made from another tensor's shape."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.fx.wrap
def index_array(x: Tensor) -> Tensor:
    """Return the indices of every position, along a new last axis.

    Args:
        x: A tensor of any shape.

    Returns:
        Integers of 64 bits, (*shape of x, rank of x).
    """
    ranges = [torch.arange(extent, device=x.device) for extent in x.shape]
    return torch.stack(torch.meshgrid(ranges, indexing="ij"), dim=-1)


@torch.fx.wrap
def diagonal(x: Tensor, offset: int, axis: int, other_axis: int) -> Tensor:
    """Take the diagonal of two axes, or make the matrix with a vector on its diagonal.

    Args:
        x: A vector, or a tensor of at least two axes.
        offset: The diagonal: 0 for the main one, positive above it.
        axis: The first of the two axes.
        other_axis: The second of the two axes.

    Returns:
        A matrix for a vector; else a tensor whose last axis is the diagonal.
    """
    return x.diag(offset) if x.ndim == 1 else x.diagonal(offset, axis, other_axis)
