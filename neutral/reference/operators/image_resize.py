"""Resizing of images with channels last inside a graph."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference
from neutral.reference.resampling import Taps, area_between, area_taps, is_whole, scale_of, taps


@reference("image_resize")
def image_resize(input: Array, size: Sequence[int] | None, side: int | None, interpolation: str) -> Array:
    height, width = input.shape[-3:-1]
    if size is None:
        assert side is not None
        size = (height * side // width, side) if height > width else (side, width * side // height)
    if interpolation == "nearest":
        return input[..., _nearest(height, size[0]), :, :][..., _nearest(width, size[1]), :]
    if interpolation == "area":
        return _by_area(input, size)
    rows, columns = (taps(interpolation, extent, count) for extent, count in ((height, size[0]), (width, size[1])))
    if input.dtype != np.uint8:
        return _weighted(_weighted(input, -2, columns), -3, rows)
    if interpolation == "bilinear":
        if (height, width) == (2 * size[0], 2 * size[1]):
            return _means(input, size)
        return _bilinear_of_bytes(input, rows, columns)
    return _convolved_bytes(input, rows, columns)


def _nearest(extent: int, size: int) -> Array:
    return np.minimum((np.arange(size) * scale_of(extent, size)).astype(int), extent - 1)


def _weighted(input: Array, axis: int, pixels: Taps) -> Array:
    """Return weighted sums of pixels along a negative axis, in the dtype of the input."""
    positions, weights = pixels
    total = np.zeros((), input.dtype)
    for position, weight in zip(positions.T, weights.T):
        shaped = weight.astype(input.dtype).reshape(-1, *[1] * (-1 - axis))
        total = total + input.take(position, axis) * shaped
    return total


def _fixed(pixels: Taps) -> Taps:
    """Return pixels with their weights in units of 1/2048."""
    return pixels[0], np.rint(pixels[1] * np.float32(2048)).astype(np.int32)


def _bilinear_of_bytes(input: Array, rows: Taps, columns: Taps) -> Array:
    sums = _weighted(input.astype(np.int32), -2, _fixed(columns)) >> 4
    positions, weights = _fixed(rows)
    total = sum(
        sums.take(position, -3) * weight[:, None, None] >> 16 for position, weight in zip(positions.T, weights.T)
    )
    return ((total + 2) >> 2).astype(np.uint8)


def _convolved_bytes(input: Array, rows: Taps, columns: Taps) -> Array:
    """Return bytes interpolated by four or eight pixels of each axis."""
    sums = _weighted(input.astype(np.int32), -2, _fixed(columns))
    flat = sums.reshape(*sums.shape[:-2], -1)
    fixed = _fixed(rows)
    result = np.clip((_weighted(flat, -2, fixed) + 2**21) >> 22, 0, 255)
    if rows[0].shape[1] == 4:
        single = _weighted(flat.astype(np.float32), -2, (fixed[0], fixed[1].astype(np.float32) / 2**22))
        whole = flat.shape[-1] // 8 * 8
        result[..., :whole] = np.clip(np.rint(single), 0, 255)[..., :whole]
    return result.reshape(*result.shape[:-1], *sums.shape[-2:]).astype(np.uint8)


def _by_area(input: Array, size: Sequence[int]) -> Array:
    extents = input.shape[-3:-1]
    scales = [scale_of(*each) for each in zip(extents, size)]
    is_bytes = input.dtype == np.uint8
    if min(scales) < 1:
        rows, columns = (area_between(*each) for each in zip(extents, size))
        return (
            _bilinear_of_bytes(input, rows, columns) if is_bytes else _weighted(_weighted(input, -2, columns), -3, rows)
        )
    if all(map(is_whole, scales)):
        return _means(input, size)
    rows, columns = (area_taps(*each) for each in zip(extents, size))
    means = _weighted(_weighted(input.astype(np.float32) if is_bytes else input, -2, columns), -3, rows)
    return np.clip(np.rint(means), 0, 255).astype(np.uint8) if is_bytes else means


def _means(input: Array, size: Sequence[int]) -> Array:
    """Return the means of rectangles, of bytes rounded: halves up of squares of four, else to even."""
    height, width, channels = input.shape[-3:]
    down, across = height // size[0], width // size[1]
    wide = input.astype(np.int64) if input.dtype == np.uint8 else input
    total = wide.reshape(*wide.shape[:-3], size[0], down, size[1], across, channels).sum((-4, -2))
    if input.dtype != np.uint8:
        return total / np.array(down * across, input.dtype)
    if (down, across) == (2, 2) and channels in (1, 3, 4):
        return ((total + 2) >> 2).astype(np.uint8)
    return np.rint(total.astype(np.float32) * np.float32(1 / (down * across))).astype(np.uint8)
