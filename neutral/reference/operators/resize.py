"""Resizing of images (N, C, H, W)."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("upsample_nearest")
def upsample_nearest(input: Array, scale: int) -> Array:
    return input.repeat(scale, 2).repeat(scale, 3)


@reference("upsample_nearest_like")
def upsample_nearest_like(input: Array, like: Array) -> Array:
    rows, columns = (like.shape[axis] // input.shape[axis] for axis in (2, 3))
    return input.repeat(rows, 2).repeat(columns, 3)


def _extent(n: int, rule: str, scale: float) -> int:
    """Return the output's height or width by a rule for the input's."""
    if rule == "scale":
        return int(np.float32(n) * np.float32(scale))
    if rule == "odd_scale":
        return int(np.float32(n - n % 2) * np.float32(scale)) + n % 2
    parity, direction = rule.split("_")
    step = -1 if direction == "down" else 1
    return n if n % 2 == (parity == "odd") else n + step


@reference("resize_bilinear")
def resize_bilinear(
    input: Array,
    like: Array | None = None,
    *,
    extent: str,
    size: Sequence[int] | None,
    scale: Sequence[float] | None,
    align_corners: bool,
) -> Array:
    if extent == "like":
        assert like is not None
        size = like.shape[2:]
    elif extent != "size":
        size = [_extent(input.shape[2 + axis], extent, scale[axis] if scale else 1) for axis in range(2)]
    assert size is not None
    for axis, length in zip((2, 3), size):
        input = _interpolate(input, axis, length, align_corners)
    return input


def _interpolate(input: Array, axis: int, length: int, align_corners: bool) -> Array:
    """Interpolate linearly along one axis; positions are computed in the dtype of the input."""
    extent, number = input.shape[axis], input.dtype.type
    steps = np.arange(length, dtype=input.dtype)
    if length == 1:
        places = np.zeros(1, input.dtype)
    elif align_corners:
        places = np.minimum(steps * number((extent - 1) / (length - 1)), number(extent - 1))
    else:
        places = np.clip((steps + number(0.5)) * number(extent / length) - number(0.5), 0, extent - 1)
    low = np.floor(places).astype(int)
    share = (places - low).astype(input.dtype).reshape(-1, *[1] * (3 - axis))
    high = np.minimum(low + 1, extent - 1)
    return input.take(low, axis) * (1 - share) + input.take(high, axis) * share
