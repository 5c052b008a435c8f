"""Operators that join, split, repeat and pad tensors."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from neutral.reference.registry import Array, reference

Axes = Sequence[int]
Bounds = Sequence["int | None"]


@reference("concatenate")
def concatenate(*inputs: Array, axis: int) -> Array:
    return np.concatenate(inputs, axis)


@reference("stack")
def stack(*inputs: Array, axis: int) -> Array:
    return np.stack(inputs, axis)


@reference("split")
def split(input: Array, axis: int, parts: int) -> list[Array]:
    return np.split(input, parts, axis)


@reference("uneven_split")
def uneven_split(input: Array, axis: int, parts: int) -> list[Array]:
    return np.array_split(input, parts, axis)


@reference("split_at")
def split_at(input: Array, axis: int, indices: Axes) -> list[Array]:
    return np.split(input, list(indices), axis)


@reference("unbind")
def unbind(input: Array, axis: int, parts: int) -> list[Array]:
    return [part.squeeze(axis) for part in np.split(input, parts, axis)]


@reference("hsplit")
def hsplit(input: Array, parts: int | None, indices: Axes | None) -> list[Array]:
    return np.split(input, list(indices) if indices is not None else parts or 1, min(input.ndim - 1, 1))


def _selection(input: Array, axes: Axes, starts: Bounds, ends: Bounds, steps: Axes) -> tuple[slice, ...]:
    """Return the index that selects a part; all other axes are whole."""
    index = [slice(None)] * input.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps):
        index[axis] = slice(start, end, step)
    return tuple(index)


@reference("slice")
def slice_(input: Array, axes: Axes, starts: Bounds, ends: Bounds, steps: Axes) -> Array:
    return input[_selection(input, axes, starts, ends, steps)]


@reference("slice_assign")
def slice_assign(input: Array, value: Array, axes: Axes, starts: Bounds, ends: Bounds, steps: Axes) -> Array:
    output = input.copy()
    output[_selection(input, axes, starts, ends, steps)] = value
    return output


@reference("slice_like")
def slice_like(input: Array, like: Array, axes: Axes | None) -> Array:
    index = [slice(None)] * input.ndim
    for axis in range(input.ndim) if axes is None else axes:
        axis %= input.ndim
        index[axis] = slice(like.shape[axis])
    return input[tuple(index)]


@reference("crop")
def crop(input: Array, like: Array | None = None, *, size: Axes | None, offset: Axes | None) -> Array:
    if size is None:
        assert like is not None
        size = like.shape[2:]
    height, width = size
    row, column = offset or ((input.shape[2] - height) // 2, (input.shape[3] - width) // 2)
    return input[:, :, row : row + height, column : column + width]


@reference("pad")
def pad(input: Array, mode: str, before: Axes, after: Axes, value: float) -> Array:
    filled: dict[str, Any] = {"constant_values": value} if mode == "constant" else {}
    return np.pad(input, list(zip(before, after)), mode, **filled)  # type: ignore[call-overload]


@reference("tile")
def tile(input: Array, repeats: Axes) -> Array:
    return np.tile(input, repeats)


@reference("repeat")
def repeat(input: Array, repeats: int, axis: int | None) -> Array:
    return np.repeat(input, repeats, axis)


@reference("flip")
def flip(input: Array, axes: Axes | None) -> Array:
    return np.flip(input, axes if axes is None else tuple(axes))


@reference("broadcast_to")
def broadcast_to(input: Array, shape: Axes) -> Array:
    own = [1] * (len(shape) - input.ndim) + list(input.shape)
    return np.broadcast_to(input, [size or extent for size, extent in zip(shape, own)])


@reference("broadcast_axes")
def broadcast_axes(input: Array, axes: Axes, sizes: Axes) -> Array:
    shape = list(input.shape)
    for axis, size in zip(axes, sizes):
        shape[axis] = size
    return np.broadcast_to(input, shape)


@reference("broadcast_like")
def broadcast_like(input: Array, like: Array, axes: Axes | None, like_axes: Axes | None) -> Array:
    if axes is None or like_axes is None:
        return np.broadcast_to(input, like.shape)
    return broadcast_axes(input, axes, [like.shape[axis] for axis in like_axes])


@reference("vstack")
def vstack(*inputs: Array) -> Array:
    return np.vstack(inputs)


@reference("hstack")
def hstack(*inputs: Array) -> Array:
    return np.hstack(inputs)


@reference("dstack")
def dstack(*inputs: Array) -> Array:
    return np.dstack(inputs)


@reference("column_stack")
def column_stack(*inputs: Array) -> Array:
    return np.column_stack(inputs)


@reference("roll")
def roll(input: Array, shifts: Axes, axes: Axes | None) -> Array:
    return np.roll(input, sum(shifts)) if axes is None else np.roll(input, tuple(shifts), tuple(axes))


@reference("lower_triangle")
def lower_triangle(input: Array, offset: int) -> Array:
    return np.tril(input, offset)


@reference("upper_triangle")
def upper_triangle(input: Array, offset: int) -> Array:
    return np.triu(input, offset)


@reference("difference")
def difference(input: Array, axis: int, times: int) -> Array:
    return np.diff(input, times, axis)
