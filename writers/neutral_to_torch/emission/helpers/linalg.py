"""Linear algebra that torch has no function for."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def eigh(x: Tensor, UPLO: str = "L") -> tuple[Tensor, Tensor]:
    """Return eigenvalues, and eigenvectors whose largest elements are positive."""
    values, vectors = torch.linalg.eigh(x, UPLO=UPLO)
    largest = vectors.gather(-2, vectors.abs().argmax(-2, keepdim=True))
    return values, vectors * largest.sign()


def triangle_indices(size: int, offset: int, lower: bool, device: torch.device) -> Tensor:
    """Return rows and columns beside a diagonal: row by row below, column by column above."""
    if lower:
        return torch.tril_indices(size, size, offset, device=device)
    return torch.tril_indices(size, size, -offset, device=device).flip(0)


def pack_triangle(x: Tensor, offset: int = 0, lower: bool = True) -> Tensor:
    """Return the elements on one side of a diagonal as a vector."""
    rows, columns = triangle_indices(x.shape[-1], offset, lower, x.device)
    return x[..., rows, columns]


def unpack_triangle(x: Tensor, offset: int = 0, lower: bool = True) -> Tensor:
    """Return the matrix with the vector on one side of a diagonal."""
    size = (math.isqrt(8 * x.shape[-1] + 1) - 1) // 2 + abs(offset)
    rows, columns = triangle_indices(size, offset, lower, x.device)
    matrix = x.new_zeros(*x.shape[:-1], size, size)
    matrix[..., rows, columns] = x
    return matrix
