"""Decompositions, inverses and solutions of matrices."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


def _transposed(matrix: Array) -> Array:
    return np.swapaxes(matrix, -1, -2)


@reference("cholesky")
def cholesky(input: Array, lower: bool) -> Array:
    return np.linalg.cholesky(input) if lower else _transposed(np.linalg.cholesky(_transposed(input)))


@reference("cholesky_inverse")
def cholesky_inverse(input: Array) -> Array:
    inverse_factor = np.linalg.inv(np.tril(input))
    return _transposed(inverse_factor) @ inverse_factor


@reference("solve_triangular")
def solve_triangular(matrix: Array, other: Array, lower: bool, transpose: bool, right: bool) -> Array:
    triangle = np.tril(matrix) if lower else np.triu(matrix)
    if transpose != right:  # X A = B is A^T X^T = B^T
        triangle = _transposed(triangle)
    return _transposed(np.linalg.solve(triangle, _transposed(other))) if right else np.linalg.solve(triangle, other)


@reference("solve")
def solve(matrix: Array, other: Array) -> Array:
    return np.linalg.solve(matrix, other[..., None])[..., 0] if other.ndim == 1 else np.linalg.solve(matrix, other)


@reference("inverse")
def inverse(input: Array) -> Array:
    return np.linalg.inv(input)


@reference("pseudo_inverse")
def pseudo_inverse(input: Array, threshold: Array | None = None, *, rcond: float | None, hermitian: bool) -> Array:
    return np.linalg.pinv(input, threshold if rcond is None else rcond, hermitian=hermitian)


@reference("tensor_inverse")
def tensor_inverse(input: Array, axes: int) -> Array:
    return np.linalg.tensorinv(input, axes)


@reference("tensor_solve")
def tensor_solve(tensor: Array, other: Array, axes: Sequence[int]) -> Array:
    return np.linalg.tensorsolve(tensor, other, tuple(axes) or None)


@reference("eig")
def eig(input: Array) -> tuple[Array, Array]:
    values, vectors = np.linalg.eig(input)
    return values.real, vectors.real


@reference("determinant")
def determinant(input: Array, at_least_1d: bool) -> Array:
    result = np.linalg.det(input)
    return np.atleast_1d(result) if at_least_1d else result


@reference("log_determinant")
def log_determinant(input: Array, at_least_1d: bool) -> tuple[Array, Array]:
    sign, logarithm = np.linalg.slogdet(input)
    return (np.atleast_1d(sign), np.atleast_1d(logarithm)) if at_least_1d else (sign, logarithm)


@reference("eigh")
def eigh(input: Array, lower: bool) -> tuple[Array, Array]:
    values, vectors = np.linalg.eigh(input, "L" if lower else "U")
    largest = np.abs(vectors).argmax(-2)
    signs = np.sign(np.take_along_axis(vectors, largest[..., None, :], -2))
    return values, vectors * signs


@reference("qr")
def qr(input: Array) -> tuple[Array, Array]:
    q, r = np.linalg.qr(input)
    return q, r


@reference("svd")
def svd(input: Array) -> tuple[Array, Array, Array]:
    u, s, v = np.linalg.svd(input, full_matrices=False)
    return u, s, v


@reference("diagonal_matrix")
def diagonal_matrix(input: Array, offset: int) -> Array:
    count = input.shape[-1]
    output = np.zeros((*input.shape[:-1], count + abs(offset), count + abs(offset)), input.dtype)
    places = np.arange(count)
    output[..., places + max(-offset, 0), places + max(offset, 0)] = input
    return output


def _triangle(extent: int, offset: int, lower: bool) -> tuple[Array, Array]:
    """Return the rows and columns of a triangle's elements: the lower one row by row, the upper column by column."""
    if lower:
        return np.tril_indices(extent, offset)
    columns, rows = np.tril_indices(extent, -offset)
    return rows, columns


@reference("pack_triangle")
def pack_triangle(input: Array, offset: int, lower: bool) -> Array:
    rows, columns = _triangle(input.shape[-1], offset, lower)
    return input[..., rows, columns]


@reference("unpack_triangle")
def unpack_triangle(input: Array, offset: int, lower: bool) -> Array:
    extent = 1
    while len(_triangle(extent, offset, lower)[0]) < input.shape[-1]:
        extent += 1
    output = np.zeros((*input.shape[:-1], extent, extent), input.dtype)
    rows, columns = _triangle(extent, offset, lower)
    output[..., rows, columns] = input
    return output


@reference("least_squares")
def least_squares(matrix: Array, other: Array, rcond: float | None) -> tuple[Array, Array, Array, Array]:
    dtype = np.result_type(matrix, other)
    if rcond is None:
        rcond = float(np.finfo(matrix.dtype).eps) * max(matrix.shape)
    solution, residuals, rank, values = np.linalg.lstsq(matrix.astype(dtype), other.astype(dtype), rcond)
    return solution, residuals, np.asarray(rank, np.int64), values


@reference("matrix_rank")
def matrix_rank(input: Array, tolerance: Array | None = None, *, eps: float | None) -> Array:
    if input.ndim < 2:
        return np.asarray(np.all(input != 0), np.int64)
    values = np.linalg.svd(input, compute_uv=False)
    if tolerance is None:
        factor = float(np.finfo(input.dtype).eps) if eps is None else eps
        limit = max(input.shape[-2:]) * values.max(-1, keepdims=True).astype(np.float64) * factor
    else:
        limit = np.asarray(tolerance)[..., None]
    return np.asarray((values > limit).sum(-1), np.int64)
