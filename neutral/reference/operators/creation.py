"""Tensors computed from attributes, or from the shape of another tensor."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("full")
def full(shape: Sequence[int], value: float, dtype: str) -> Array:
    return np.full(shape, value).astype(dtype)


@reference("full_like")
def full_like(input: Array, value: float) -> Array:
    return np.full(input.shape, value).astype(input.dtype)


@reference("arange")
def arange(start: float, step: float, repeat: int, count: int, dtype: str) -> Array:
    return np.repeat(start + step * np.arange(count), repeat).astype(dtype)


@reference("arange_like")
def arange_like(input: Array, start: float, step: float, repeat: int, axis: int | None) -> Array:
    count = input.size if axis is None else input.shape[axis]
    numbers = start + step * (np.arange(count) // repeat)
    return numbers.astype(input.dtype).reshape(input.shape if axis is None else count)


@reference("eye")
def eye(rows: int, columns: int, offset: int, dtype: str) -> Array:
    return np.eye(rows, columns, offset, dtype)


@reference("index_array")
def index_array(input: Array, axes: Sequence[int] | None) -> Array:
    indices = np.indices(input.shape, np.int64)
    return np.moveaxis(indices if axes is None else indices[list(axes)], 0, -1)


@reference("diagonal")
def diagonal(input: Array, offset: int, axis: int, other_axis: int) -> Array:
    return np.diag(input, offset) if input.ndim == 1 else np.diagonal(input, offset, axis, other_axis)


@reference("lower_triangle_indices")
def lower_triangle_indices(rows: int, columns: int, offset: int) -> tuple[Array, Array]:
    indices = np.tril_indices(rows, offset, columns)
    return indices[0].astype(np.int64), indices[1].astype(np.int64)
