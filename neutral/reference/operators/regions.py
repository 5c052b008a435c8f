"""Pooling over the bins of regions of a feature map."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from neutral.reference.operators.sampling import bilinear, cell_middles, round_half_away
from neutral.reference.registry import Array, reference

Sizes = Sequence[int]


def _bins(start: float, extent: float, count: int, end: int) -> list[slice]:
    """Return the positions of each bin of a range of whole positions, clipped to a map's axis."""
    width = np.float32(extent) / np.float32(count)
    edges = [
        (int(np.floor(np.float32(i) * width)) + int(start), int(np.ceil(np.float32(i + 1) * width)) + int(start))
        for i in range(count)
    ]
    return [slice(min(max(first, 0), end), min(max(last, 0), end)) for first, last in edges]


@reference("roi_pool")
def roi_pool(input: Array, regions: Array, output_size: Sizes, spatial_scale: float) -> Array:
    n, channels, height, width = input.shape
    output = np.zeros((len(regions), channels, *output_size), input.dtype)
    for number, (image, *corners) in enumerate(regions):
        if not 0 <= int(image) < n:
            continue
        x1, y1, x2, y2 = round_half_away(np.array(corners) * regions.dtype.type(spatial_scale))
        rows = _bins(y1, max(y2 - y1 + 1, 1), output_size[0], height)
        columns = _bins(x1, max(x2 - x1 + 1, 1), output_size[1], width)
        for i, j in np.ndindex(*output_size):
            pixels = input[int(image), :, rows[i], columns[j]]
            if pixels.size:
                output[number, :, i, j] = pixels.max((1, 2))
    return output


@reference("roi_align")
def roi_align(
    input: Array,
    regions: Array,
    output_size: Sizes,
    spatial_scale: float,
    samples: int,
    aligned: bool,
    position_sensitive: bool,
) -> Array:
    rows, columns = output_size
    own = rows * columns if position_sensitive else 1
    output = np.zeros((len(regions), input.shape[1] // own, rows, columns), input.dtype)
    for number, (image, *corners) in enumerate(regions):
        if image < 0:
            continue
        x1, y1, x2, y2 = np.array(corners) * regions.dtype.type(spatial_scale) - (0.5 if aligned else 0)
        high, wide = y2 - y1, x2 - x1
        if not aligned:
            high, wide = max(high, high.dtype.type(1)), max(wide, wide.dtype.type(1))
        bin_high, bin_wide = high / high.dtype.type(rows), wide / wide.dtype.type(columns)
        y = cell_middles(bin_high, samples or math.ceil(bin_high))
        x = cell_middles(bin_wide, samples or math.ceil(bin_wide))
        for i, j in np.ndindex(rows, columns):
            channels = slice(i * columns + j, None, own) if position_sensitive else slice(None)
            down = (y1 + i * bin_high + y)[:, None]
            across = x1 + j * bin_wide + x
            values = _bordered(input[int(image), channels], *np.broadcast_arrays(down, across))
            output[number, :, i, j] = values.mean((1, 2)) if values.size else 0
    return output


def _bordered(image: Array, y: Array, x: Array) -> Array:
    """Interpolate; farther than 1 before the first row or column, or past the height or width, is 0."""
    inside = (y >= -1) & (y <= image.shape[1]) & (x >= -1) & (x <= image.shape[2])
    return np.where(inside, bilinear(image, y, x), 0)


@reference("rotated_roi_align")
def rotated_roi_align(input: Array, regions: Array, output_size: Sizes, spatial_scale: float, samples: int) -> Array:
    rows, columns = output_size
    output = np.zeros((len(regions), input.shape[1], rows, columns), input.dtype)
    for number, (image, *numbers, degrees) in enumerate(regions):
        x, y, wide, high = np.array(numbers) * regions.dtype.type(spatial_scale)
        wide, high = max(wide, wide.dtype.type(1)), max(high, high.dtype.type(1))
        angle = degrees * (math.pi / 180)
        bin_high, bin_wide = high / high.dtype.type(rows), wide / wide.dtype.type(columns)
        middles_y = cell_middles(bin_high, samples or math.ceil(bin_high))
        middles_x = cell_middles(bin_wide, samples or math.ceil(bin_wide))
        for i, j in np.ndindex(rows, columns):
            v = (i * bin_high + middles_y - high / 2)[:, None]
            u = j * bin_wide + middles_x - wide / 2
            across = x + u * np.cos(angle) + v * np.sin(angle)
            down = y + v * np.cos(angle) - u * np.sin(angle)
            output[number, :, i, j] = _bordered(input[int(image)], down, across).mean((1, 2))
    return output


def _pixel_region(corners: Sequence[float], spatial_scale: float) -> tuple[float, float, float, float]:
    """Return the left, top, width and height of a region of whole pixels."""
    numbers = round_half_away(np.array(corners))
    x1, y1, x2, y2 = (numbers + np.array([0, 0, 1, 1], numbers.dtype)) * numbers.dtype.type(spatial_scale)
    least = numbers.dtype.type(0.1)
    return x1, y1, max(x2 - x1, least), max(y2 - y1, least)


def _group_channel(i: int, j: int, output_channels: int, group_size: int, output_size: int) -> Array:
    """Return the channels of the map from which bin (i, j) of all output channels is pooled."""
    row, column = i * group_size // output_size, j * group_size // output_size
    return (np.arange(output_channels) * group_size + row) * group_size + column


@reference("position_sensitive_roi_pool")
def position_sensitive_roi_pool(
    input: Array, regions: Array, output_channels: int, output_size: int, group_size: int, spatial_scale: float
) -> Array:
    height, width = input.shape[2:]
    output = np.zeros((len(regions), output_channels, output_size, output_size), input.dtype)
    for number, (image, *corners) in enumerate(regions):
        left, top, wide, high = _pixel_region(corners, spatial_scale)
        for i, j in np.ndindex(output_size, output_size):
            rows = _whole(i, top, high / np.float32(output_size), height)
            columns = _whole(j, left, wide / np.float32(output_size), width)
            channels = _group_channel(i, j, output_channels, group_size, output_size)
            pixels = input[int(image), channels, rows, columns]
            if pixels.size:
                output[number, :, i, j] = pixels.mean((1, 2))
    return output


def _whole(number: int, start: float, extent: float, end: int) -> slice:
    """Return the positions from floor(a) to ceil(b) of the bin from a to b that are in the map."""
    first, last = math.floor(number * extent + start), math.ceil((number + 1) * extent + start)
    return slice(min(max(first, 0), end), min(max(last, 0), end))


@reference("deformable_position_sensitive_roi_pool")
def deformable_position_sensitive_roi_pool(
    input: Array,
    regions: Array,
    offsets: Array | None = None,
    *,
    output_channels: int,
    output_size: int,
    group_size: int,
    part_size: int,
    samples: int,
    spatial_scale: float,
    offset_scale: float,
) -> Array:
    height, width = input.shape[2:]
    output = np.zeros((len(regions), output_channels, output_size, output_size), input.dtype)
    classes = 1 if offsets is None else offsets.shape[1] // 2
    own = output_channels // classes
    for number, (image, *corners) in enumerate(regions):
        left, top, wide, high = _pixel_region(corners, spatial_scale)
        bin_wide, bin_high = wide / np.float32(output_size), high / np.float32(output_size)
        for k, i, j in np.ndindex(classes, output_size, output_size):
            x, y = j * bin_wide + (left - np.float32(0.5)), i * bin_high + (top - np.float32(0.5))
            if offsets is not None:
                part = [int(np.floor(np.float32(b) / np.float32(output_size) * np.float32(part_size))) for b in (i, j)]
                move = offsets[number, 2 * k : 2 * k + 2, part[0], part[1]] * np.float32(offset_scale)
                x, y = x + move[0] * wide, y + move[1] * high
            steps = np.arange(samples).astype(np.float32) / np.float32(samples)
            down, across = np.broadcast_arrays((y + steps * bin_high)[:, None], x + steps * bin_wide)
            counted = (down >= -0.5) & (down <= height - 0.5) & (across >= -0.5) & (across <= width - 0.5)
            channels = _group_channel(i, j, output_channels, group_size, output_size)[k * own : (k + 1) * own]
            values = np.where(counted, bilinear(input[int(image), channels], down, across), 0)
            output[number, k * own : (k + 1) * own, i, j] = values.sum((1, 2)) / max(int(counted.sum()), 1)
    return output
