"""Sorting, and selection of elements by index."""

from __future__ import annotations

import builtins
import math
from typing import Any, Sequence

import numpy as np

from neutral.reference.registry import Array, reference


def sorted_positions(input: Array, axis: int, descending: bool) -> Array:
    """Return the positions along an axis in the order of their elements; equal elements keep their order.

    Args:
        input: The elements.
        axis: The axis.
        descending: Whether the largest element comes first.

    Returns:
        Positions as int64, of the input's shape.
    """
    if not descending:
        return np.argsort(input, axis, kind="stable")
    backwards = np.argsort(np.flip(input, axis), axis, kind="stable")
    return np.flip(input.shape[axis] - 1 - backwards, axis)


@reference("sort")
def sort(input: Array, axis: int, descending: bool) -> tuple[Array, Array]:
    positions = sorted_positions(input, axis, descending)
    return np.take_along_axis(input, positions, axis), positions


@reference("top_k")
def top_k(input: Array, axis: int, count: int | None, largest: bool) -> tuple[Array, Array]:
    order = sorted_positions(input, axis, largest)
    positions = np.take(order, np.arange(input.shape[axis] if count is None else count), axis)
    return np.take_along_axis(input, positions, axis), positions


@reference("top_k_mask")
def top_k_mask(input: Array, axis: int, count: int | None, largest: bool) -> Array:
    _, positions = top_k(input, axis, count, largest)
    mask = np.zeros_like(input)
    np.put_along_axis(mask, positions, 1, axis)
    return mask


@reference("take")
def take(input: Array, index: Array, axis: int, out_of_range: str) -> Array:
    mode = {"clamp": "clip", "wrap": "wrap", "error": "raise"}[out_of_range]
    return np.take(input, index.astype(np.int64), axis, mode=mode)  # type: ignore[call-overload]


@reference("gather_nd")
def gather_nd(input: Array, index: Array) -> Array:
    return input[tuple(index.astype(np.int64))]


@reference("scatter_nd")
def scatter_nd(input: Array, index: Array, shape: Sequence[int]) -> Array:
    output = np.zeros(shape, input.dtype)
    output[tuple(index.astype(np.int64))] = input
    return output


@reference("index_copy")
def index_copy(input: Array, index: Array, value: Array) -> Array:
    output = input.copy()
    output[index.astype(np.int64)] = value
    return output


@reference("index_add")
def index_add(input: Array, index: Array, value: Array) -> Array:
    output = input.copy()
    np.add.at(output, tuple(index.astype(np.int64)), value)
    return output


@reference("index_update")
def index_update(input: Array, index: Array, value: Array) -> Array:
    output = input.copy()
    output[tuple(index.astype(np.int64))] = value
    return output


@reference("boolean_mask")
def boolean_mask(input: Array, mask: Array, axis: int) -> Array:
    return np.compress(mask != 0, input, axis)


@reference("nonzero")
def nonzero(input: Array) -> Array:
    return np.argwhere(input).astype(np.int64)


@reference("one_hot")
def one_hot(index: Array, depth: int, on_value: float, off_value: float, dtype: str) -> Array:
    chosen = index.astype(np.int64)[..., None] == np.arange(depth)
    return np.where(chosen, on_value, off_value).astype(dtype)


def _strides(shape: Sequence[int]) -> list[int]:
    """Return the distance in row-major order between neighbours along each axis."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


@reference("ravel_index")
def ravel_index(input: Array, shape: Sequence[int]) -> Array:
    index = input.astype(np.int64)
    return np.tensordot(np.array(_strides(shape), np.int64), index, 1).astype(input.dtype)


@reference("unravel_index")
def unravel_index(input: Array, shape: Sequence[int]) -> Array:
    position, result = input.astype(np.int64), []
    for stride in _strides(shape):
        rest = np.fmod(position, stride)
        result.append((position - rest) // stride)
        position = rest
    return np.stack(result).astype(input.dtype)


@reference("mask_update")
def mask_update(input: Array, mask: Array, value: Array, axis: int) -> Array:
    flat = input.reshape(*input.shape[:axis], mask.size, *input.shape[axis + mask.ndim :])
    value = np.asarray(value).astype(input.dtype)
    if value.size == 1:
        value = value.reshape([1] * flat.ndim)
    elif value.ndim < flat.ndim:
        value = np.expand_dims(value, axis)
    output = flat.copy()
    output[(slice(None),) * axis + (mask.ravel() != 0,)] = value
    return output.reshape(input.shape)


@reference("insert")
def insert(
    input: Array,
    value: Array,
    positions: Array | None = None,
    *,
    axis: int | None,
    position: int | None,
    slice: Sequence[int | None] | None,
) -> Array:
    if positions is not None:
        place: Any = positions.astype(np.int64)
        place = int(place) if place.ndim == 0 else place.ravel()
    else:
        place = position if slice is None else builtins.slice(*slice)
    return np.insert(input, place, np.asarray(value).astype(input.dtype), axis)


@reference("diagonal_indices")
def diagonal_indices(input: Array) -> Array:
    return np.tile(np.arange(len(input)), (input.ndim, 1))
