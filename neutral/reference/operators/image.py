"""Preprocessing of images inside a graph."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("image_to_tensor")
def image_to_tensor(input: Array) -> Array:
    return np.moveaxis(input.astype(np.float32) / np.float32(255), -1, -3)


@reference("image_normalize")
def image_normalize(input: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    numbers = (np.array(each, input.dtype).reshape(-1, 1, 1) for each in (mean, std))
    return (input - next(numbers)) / next(numbers)


@reference("image_crop")
def image_crop(input: Array, x: int, y: int, width: int, height: int) -> Array:
    return input[..., y : y + height, x : x + width, :]


@reference("image_crop_within")
def image_crop_within(
    input: Array,
    across: Array | None = None,
    down: Array | None = None,
    *,
    x: float | None,
    y: float | None,
    width: int,
    height: int,
) -> Array:
    rows, columns = input.shape[-3:-1]
    if height > rows:
        width, height = width * rows // height, rows
    width = min(width, columns)
    left = _start(x if across is None else across.item(), columns - width)
    top = _start(y if down is None else down.item(), rows - height)
    return input[..., top : top + height, left : left + width, :]


def _start(place: float | None, free: int) -> int:
    assert place is not None
    return int(np.float32(place) * np.float32(free))


@reference("image_resize")
def image_resize(input: Array, size: Sequence[int] | None, side: int | None, interpolation: str) -> Array:
    height, width = input.shape[-3:-1]
    if size is None:
        assert side is not None
        size = (height * side // width, side) if height > width else (side, width * side // height)
    if interpolation == "nearest":
        return input[..., _nearest(height, size[0]), :, :][..., _nearest(width, size[1]), :]
    if input.dtype == np.uint8:
        if interpolation == "bicubic":
            raise ValueError("bicubic interpolation of uint8 is not defined")
        return _bilinear_of_bytes(input, size)
    taps = _linear_taps if interpolation == "bilinear" else _cubic_taps
    for axis, extent in ((input.ndim - 3, size[0]), (input.ndim - 2, size[1])):
        input = _weighted(input, axis, extent, taps)
    return input


def _nearest(extent: int, size: int) -> Array:
    return np.minimum((np.arange(size) * (1 / (size / extent))).astype(int), extent - 1)


def _places(extent: int, size: int) -> Array:
    """Return the positions of the samples along an axis, in single precision."""
    return ((np.arange(size) + 0.5) * (1 / (size / extent)) - 0.5).astype(np.float32)


def _weighted(input: Array, axis: int, size: int, taps: Callable[[Array], dict[int, Array]]) -> Array:
    """Return weighted sums of neighbours along an axis; beyond the image they are those at its border."""
    extent = input.shape[axis]
    places = _places(extent, size).astype(np.float64)
    low = np.floor(places).astype(int)
    total = np.zeros((), input.dtype)
    for offset, weight in taps(places - low).items():
        shaped = weight.astype(input.dtype).reshape(-1, *[1] * (input.ndim - 1 - axis))
        total = total + input.take(np.clip(low + offset, 0, extent - 1), axis) * shaped
    return total


def _linear_taps(share: Array) -> dict[int, Array]:
    return {0: 1 - share, 1: share}


def _cubic_taps(share: Array, a: float = -0.75) -> dict[int, Array]:
    """Return the weights of the cubic convolution for four neighbours, by their offset."""
    weights = {}
    for offset in (-1, 0, 1, 2):
        x = np.abs(share - offset)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        weights[offset] = np.where(x <= 1, near, far)
    return weights


def _bilinear_of_bytes(input: Array, size: Sequence[int]) -> Array:
    height, width, channels = input.shape[-3:]
    wide = input.astype(np.int64)
    if (height, width) == (2 * size[0], 2 * size[1]):
        four = wide.reshape(*wide.shape[:-3], size[0], 2, size[1], 2, channels).sum((-4, -2))
        mean = (four + 2) // 4 if channels in (1, 3, 4) else np.rint(four / 4)
        return mean.astype(np.uint8)
    total = np.zeros((), np.int64)
    columns = [(place, weight) for place, weight in _byte_taps(width, size[1])]
    row_sums = sum((wide[..., place, :] * weight[:, None] for place, weight in columns), total) // 16
    for place, weight in _byte_taps(height, size[0]):
        total = total + row_sums[..., place, :, :] * weight[:, None, None] // 65536
    return ((total + 2) // 4).astype(np.uint8)


def _byte_taps(extent: int, size: int) -> list[tuple[Array, Array]]:
    """Return the two neighbours of each sample with their weights in 1/2048."""
    places = _places(extent, size)
    low = np.floor(places)
    share = np.rint((places - low) * np.float32(2048)).astype(np.int64)
    position = low.astype(int)
    return [(np.clip(position + k, 0, extent - 1), share if k else 2048 - share) for k in (0, 1)]
