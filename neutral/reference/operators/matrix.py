"""Products of matrices and tensors."""

from __future__ import annotations

from functools import reduce
from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("matmul")
def matmul(input: Array, other: Array) -> Array:
    return np.matmul(input, other)


@reference("tensordot")
def tensordot(input: Array, other: Array, axis: int, other_axis: int, at_least_1d: bool) -> Array:
    result = np.tensordot(input, other, ([axis], [other_axis]))
    return np.atleast_1d(result) if at_least_1d else result


@reference("contract")
def contract(input: Array, other: Array, axes: Sequence[int], other_axes: Sequence[int]) -> Array:
    return np.tensordot(input, other, (list(axes), list(other_axes)))


@reference("dot")
def dot(input: Array, other: Array) -> Array:
    return np.dot(input, other)


@reference("einsum")
def einsum(*inputs: Array, subscripts: str) -> Array:
    return np.einsum(subscripts, *inputs)


@reference("kronecker")
def kronecker(input: Array, other: Array) -> Array:
    return np.kron(input, other)


@reference("cross")
def cross(input: Array, other: Array, axis: int) -> Array:
    a, b = (np.moveaxis(operand, axis, 0) for operand in (input, other))
    product = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return np.stack(product, axis)


@reference("khatri_rao")
def khatri_rao(*inputs: Array) -> Array:
    return reduce(lambda a, b: (a[:, None] * b[None]).reshape(-1, a.shape[1]), inputs)
