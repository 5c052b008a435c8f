"""Linear algebra that torch has no function for."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def eigh(x: Tensor, UPLO: str = "L") -> tuple[Tensor, Tensor]:
    """Return eigenvalues, and eigenvectors whose largest elements are positive.

    Args:
        x: Symmetric matrices (..., n, n).
        UPLO: The triangle that is read, ``"L"`` or ``"U"``.

    Returns:
        Eigenvalues (..., n), ascending, and eigenvectors (..., n, n) as columns.
    """
    values, vectors = torch.linalg.eigh(x, UPLO=UPLO)
    largest = vectors.gather(-2, vectors.abs().argmax(-2, keepdim=True))
    return values, vectors * largest.sign()


def real_eig(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues and eigenvectors of matrices whose eigenvalues are real.

    Args:
        x: Matrices (..., n, n).

    Returns:
        Eigenvalues (..., n), and eigenvectors (..., n, n) as columns.
    """
    values, vectors = torch.linalg.eig(x)
    return values.real, vectors.real


def triangle_indices(size: int, offset: int, lower: bool, device: torch.device) -> Tensor:
    """Return rows and columns beside a diagonal: row by row below, column by column above.

    Args:
        size: The rows and columns of the matrix.
        offset: The diagonal that bounds the triangle: 0 for the main one, positive above it.
        lower: Whether the triangle lies below the diagonal.
        device: The device of the result.

    Returns:
        Integers of 64 bits, (2, elements).
    """
    if lower:
        return torch.tril_indices(size, size, offset, device=device)
    return torch.tril_indices(size, size, -offset, device=device).flip(0)


def pack_triangle(x: Tensor, offset: int = 0, lower: bool = True) -> Tensor:
    """Return the elements on one side of a diagonal as a vector.

    Args:
        x: Matrices (..., n, n).
        offset: The diagonal that bounds the triangle: 0 for the main one, positive above it.
        lower: Whether the triangle lies below the diagonal.

    Returns:
        Vectors (..., elements).
    """
    rows, columns = triangle_indices(x.shape[-1], offset, lower, x.device)
    return x[..., rows, columns]


def unpack_triangle(x: Tensor, offset: int = 0, lower: bool = True) -> Tensor:
    """Return the matrix with the vector on one side of a diagonal.

    Args:
        x: Vectors (..., elements).
        offset: The diagonal that bounds the triangle: 0 for the main one, positive above it.
        lower: Whether the triangle lies below the diagonal.

    Returns:
        Matrices (..., n, n), 0 on the other side.
    """
    size = (math.isqrt(8 * x.shape[-1] + 1) - 1) // 2 + abs(offset)
    rows, columns = triangle_indices(size, offset, lower, x.device)
    matrix = x.new_zeros(x.shape[:-1] + (size, size))
    matrix[..., rows, columns] = x
    return matrix


@torch.fx.wrap
def least_squares(
    matrix: Tensor, other: Tensor, rcond: float | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Solve ``matrix @ x = other`` by least squares, on the CPU.

    Args:
        matrix: The matrix (m, n).
        other: The right side (m,) or (m, k).
        rcond: Singular values below this fraction of the largest are 0; None for the precision.

    Returns:
        The solution, the squared errors of its columns, the rank, and the singular values.
    """
    if rcond is None:
        rcond = torch.finfo(matrix.dtype).eps * max(matrix.shape)
    dtype = torch.promote_types(matrix.dtype, other.dtype)
    columns = other if other.dim() == 2 else other[:, None]
    found = torch.linalg.lstsq(matrix.to(dtype), columns.to(dtype), rcond=rcond, driver="gelsd")
    solution = found.solution if other.dim() == 2 else found.solution[:, 0]
    return solution, found.residuals, found.rank, found.singular_values


@torch.fx.wrap
def matrix_rank(x: Tensor, tolerance: Tensor) -> Tensor:
    """Count the singular values that are greater than a tolerance.

    Args:
        x: Matrices (..., m, n); of a vector, whether it has no 0.
        tolerance: The tolerances, which broadcast to the axes before the last two.

    Returns:
        The ranks, integers of 64 bits.
    """
    if x.dim() < 2:
        return (x != 0).all().long()
    return (torch.linalg.svdvals(x) > tolerance[..., None]).sum(-1)


@torch.fx.wrap
def matrix_rank_by_eps(x: Tensor, eps: float | None = None) -> Tensor:
    """Count the singular values that are greater than rounding would make them.

    Args:
        x: Matrices (..., m, n); of a vector, whether it has no 0.
        eps: The relative precision; None for that of the dtype.

    Returns:
        The ranks, integers of 64 bits.
    """
    if x.dim() < 2:
        return (x != 0).all().long()
    values = torch.linalg.svdvals(x).double()
    precision = torch.finfo(x.dtype).eps if eps is None else eps
    limit = max(x.shape[-2:]) * values.amax(-1, keepdim=True) * precision
    return (values > limit).sum(-1)
