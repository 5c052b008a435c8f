"""Operators that change the shape of a tensor or the order of its axes."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("flatten")
def flatten(input: Array) -> Array:
    return input.reshape(len(input), math.prod(input.shape[1:]))


@reference("reshape")
def reshape(input: Array, shape: Sequence[int], from_end: bool) -> Array:
    step = -1 if from_end else 1
    extents = input.shape[::step]
    result: list[int] = []
    for position, code in enumerate(shape[::step]):
        if code == -2:
            result += extents[position:]
        else:
            result.append(extents[position] if code == 0 else code)
    return input.reshape(result[::step])


@reference("merge_axes")
def merge_axes(input: Array, axis: int, count: int) -> Array:
    axis %= input.ndim
    merged = math.prod(input.shape[axis : axis + count])
    return input.reshape(*input.shape[:axis], merged, *input.shape[axis + count :])


@reference("split_axis")
def split_axis(input: Array, axis: int, sizes: Sequence[int]) -> Array:
    axis %= input.ndim
    inferred = input.shape[axis] // max(math.prod(size for size in sizes if size != -1), 1)
    extents = [inferred if size == -1 else size for size in sizes]
    return input.reshape(*input.shape[:axis], *extents, *input.shape[axis + 1 :])


@reference("reshape_like")
def reshape_like(
    input: Array, like: Array, start: int, end: int | None, like_start: int, like_end: int | None
) -> Array:
    first = start if start >= 0 else start + input.ndim
    rest = () if end is None else input.shape[end:]
    return input.reshape(*input.shape[:first], *like.shape[like_start:like_end], *rest)


@reference("transpose")
def transpose(input: Array, axes: Sequence[int] | None) -> Array:
    return input.transpose(axes)


@reference("swap_axes")
def swap_axes(input: Array, axis: int, other_axis: int) -> Array:
    return input.swapaxes(axis, other_axis)


@reference("move_axis")
def move_axis(input: Array, source: int, destination: int) -> Array:
    return np.moveaxis(input, source, destination)


@reference("move_axes")
def move_axes(input: Array, sources: Sequence[int], destinations: Sequence[int]) -> Array:
    return np.moveaxis(input, sources, destinations)


@reference("rotate90")
def rotate90(input: Array, quarters: int, axis: int, other_axis: int) -> Array:
    return np.rot90(input, quarters, (axis, other_axis))


@reference("at_least")
def at_least(input: Array, dims: int) -> Array:
    return (np.atleast_1d, np.atleast_2d, np.atleast_3d)[dims - 1](input)


@reference("unsqueeze")
def unsqueeze(input: Array, axis: int) -> Array:
    return np.expand_dims(input, axis)


@reference("squeeze")
def squeeze(input: Array, axes: Sequence[int] | None, at_least_1d: bool) -> Array:
    result = np.squeeze(input, axes if axes is None else tuple(axes))
    return np.atleast_1d(result) if at_least_1d else result


@reference("depth_to_space")
def depth_to_space(input: Array, size: int) -> Array:
    n, c, h, w = input.shape
    blocks = input.reshape(n, size, size, c // size**2, h, w)  # sample, i, j, channel, y, x
    return blocks.transpose(0, 3, 4, 1, 5, 2).reshape(n, c // size**2, h * size, w * size)


@reference("space_to_depth")
def space_to_depth(input: Array, size: int) -> Array:
    n, c, h, w = input.shape
    blocks = input.reshape(n, c, h // size, size, w // size, size)  # sample, channel, y, i, x, j
    return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(n, c * size**2, h // size, w // size)


@reference("shape")
def shape(input: Array) -> Array:
    return np.array(input.shape, np.int64)


@reference("size")
def size(input: Array) -> Array:
    return np.array([input.size], np.int64)


@reference("reshape_to")
def reshape_to(input: Array, shape: Array) -> Array:
    extents, codes, result = list(input.shape), [int(code) for code in shape], []
    while codes:
        code = codes.pop(0)
        if code == -2:
            result += extents
            extents = []
        elif code == -4:
            parts, codes = codes[:2], codes[2:]
            extent = extents.pop(0)
            result += [extent // -np.prod(parts) if part == -1 else part for part in parts]
        else:
            first = extents.pop(0) if extents else 1
            result.append({0: first, -3: first * extents.pop(0) if code == -3 else 0}.get(code, code))
    return input.reshape([int(extent) for extent in result])
