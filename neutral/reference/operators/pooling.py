"""Pooling over windows and over all positions; over regions in :mod:`.regions`."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from neutral.reference.operators.windows import channels_first, channels_last, spatial, windows
from neutral.reference.registry import Array, reference

Sizes = Sequence[int]


def _ends(spatial: Sizes, kernel_size: Sizes, stride: Sizes, padding: Sizes, rounding: str) -> list[tuple[int, int]]:
    """Return the positions to add before and after each spatial axis, so that all windows are inside.

    A negative number after an axis is positions that no window holds.
    """
    ends = []
    for extent, kernel, step, pad in zip(spatial, kernel_size, stride, padding):
        free = extent + 2 * pad - kernel
        count = (
            -(-extent // step) if rounding == "same" else 1 + (-(-free // step) if rounding == "up" else free // step)
        )
        ends.append((pad, (count - 1) * step + kernel - extent - pad))
    return ends


def _pool_windows(x: Array, fill: float, kernel_size: Sizes, stride: Sizes, padding: Sizes, rounding: str) -> Array:
    """Return the windows (N, C, *kernel, *size) of an input whose surroundings are filled."""
    ends = _ends(x.shape[2:], kernel_size, stride, padding, rounding)
    padded = np.pad(x, [(0, 0), (0, 0), *((before, max(after, 0)) for before, after in ends)], constant_values=fill)
    inside = tuple(slice(None, extent + sum(end)) for extent, end in zip(x.shape[2:], ends))
    return windows(padded[spatial(inside)], kernel_size, stride)


def _kernel_axes(kernel_size: Sizes) -> tuple[int, ...]:
    return tuple(range(2, 2 + len(kernel_size)))


@reference("max_pool")
def max_pool(input: Array, kernel_size: Sizes, stride: Sizes, padding: Sizes, rounding: str, layout: str) -> Array:
    x = channels_first(input, layout)
    limits = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
    view = _pool_windows(x, limits.min, kernel_size, stride, padding, rounding)
    return channels_last(view.max(_kernel_axes(kernel_size)), layout)


@reference("sum_pool")
def sum_pool(input: Array, kernel_size: Sizes, stride: Sizes, padding: Sizes, rounding: str, layout: str) -> Array:
    view = _pool_windows(channels_first(input, layout), 0, kernel_size, stride, padding, rounding)
    return channels_last(view.sum(_kernel_axes(kernel_size)), layout)


@reference("average_pool")
def average_pool(
    input: Array, kernel_size: Sizes, stride: Sizes, padding: Sizes, rounding: str, layout: str, divisor: str
) -> Array:
    x = channels_first(input, layout)
    view = _pool_windows(x, 0, kernel_size, stride, padding, rounding)
    if divisor == "kernel":
        return channels_last(view.sum(_kernel_axes(kernel_size)) / math.prod(kernel_size), layout)
    counted = np.ones((1, 1, *x.shape[2:]), x.dtype)
    if divisor == "padded_input":
        ends = _ends(x.shape[2:], kernel_size, stride, padding, rounding)
        after = [min(pad, max(end, 0)) for pad, (_, end) in zip(padding, ends)]
        counted = np.pad(counted, [(0, 0), (0, 0), *zip(padding, after)], constant_values=1)
        further = [(0, max(end - pad, 0)) for pad, (_, end) in zip(padding, ends)]
        counted = np.pad(counted, [(0, 0), (0, 0), *further])
        counts = windows(counted, kernel_size, stride).sum(_kernel_axes(kernel_size))
        counts = counts[spatial(slice(size) for size in view.shape[2 + len(kernel_size) :])]
    else:
        counts = _pool_windows(counted, 0, kernel_size, stride, padding, rounding).sum(_kernel_axes(kernel_size))
    return channels_last(view.sum(_kernel_axes(kernel_size)) / np.maximum(counts, 1), layout)


def _spatial_axes(input: Array, layout: str) -> tuple[int, ...]:
    return tuple(range(1, input.ndim - 1) if layout == "channels_last" else range(2, input.ndim))


@reference("global_max_pool")
def global_max_pool(input: Array, layout: str) -> Array:
    return input.max(_spatial_axes(input, layout), keepdims=True)


@reference("global_average_pool")
def global_average_pool(input: Array, layout: str) -> Array:
    return input.mean(_spatial_axes(input, layout), keepdims=True)


@reference("global_sum_pool")
def global_sum_pool(input: Array, layout: str) -> Array:
    return input.sum(_spatial_axes(input, layout), keepdims=True)


@reference("adaptive_average_pool")
def adaptive_average_pool(input: Array, output_size: Sizes) -> Array:
    height, width = output_size
    output = np.empty((*input.shape[:2], height, width), input.dtype)
    for i, j in np.ndindex(height, width):
        rows = slice(i * input.shape[2] // height, -(-(i + 1) * input.shape[2] // height))
        columns = slice(j * input.shape[3] // width, -(-(j + 1) * input.shape[3] // width))
        output[:, :, i, j] = input[:, :, rows, columns].mean((2, 3))
    return output
