"""Products that torch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


def khatri_rao(a: Tensor, b: Tensor) -> Tensor:
    """Return the Kronecker product, column by column.

    Args:
        a: A matrix (m, columns).
        b: A matrix (n, columns).

    Returns:
        A matrix (m * n, columns).
    """
    return (a.unsqueeze(1) * b).flatten(0, 1)


def cross(x: Tensor, y: Tensor) -> Tensor:
    """Return cross products of vectors, which may differ in the number of their other axes.

    Args:
        x: Vectors (..., 3).
        y: Vectors (..., 3).

    Returns:
        Vectors (..., 3), whose other axes are those to which both broadcast.
    """
    x, y = torch.broadcast_tensors(x, y)
    return torch.linalg.cross(x, y)


@torch.fx.wrap
def dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum products over the last axis of ``a`` and the last but one of ``b``.

    Args:
        a: A tensor of any shape.
        b: A tensor of any shape; the only axis of a vector is summed over.

    Returns:
        A tensor with the other axes of ``a`` and then of ``b``; a scalar multiplies.
    """
    if not a.ndim or not b.ndim:
        return a * b
    return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))
