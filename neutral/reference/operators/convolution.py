"""Convolutions: windows are laid out as the columns of a matrix, which the kernel multiplies."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from neutral.reference.operators.windows import channels_first, channels_last, spatial, windows
from neutral.reference.registry import Array, reference

Sizes = Sequence[int]


def _grouped_product(weight: Array, columns: Array, groups: int) -> Array:
    """Multiply each group of rows of columns (rows, positions) with its part of the weight (outputs, rows/groups)."""
    parts = weight.reshape(groups, -1, weight.shape[1]) @ columns.reshape(groups, weight.shape[1], -1)
    return parts.reshape(len(weight), -1)


def _with_bias(output: Array, bias: Array | None) -> Array:
    return output if bias is None else output + bias.reshape(-1, *[1] * (output.ndim - 2))


@reference("convolution")
def convolution(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    layout: str,
    **_: Any,
) -> Array:
    x = channels_first(input, layout)
    padded = np.pad(x, [(0, 0), (0, 0), *((size, size) for size in padding)])
    view = windows(padded, kernel_size, stride, dilation)  # (N, C, *kernel, *size)
    size = view.shape[2 + len(kernel_size) :]
    matrix = weight.reshape(len(weight), -1)
    rows = [_grouped_product(matrix, sample.reshape(-1, math.prod(size)), groups) for sample in view]
    output = np.array(rows, x.dtype).reshape(len(x), len(weight), *size)
    return channels_last(_with_bias(output, bias), layout)


@reference("transposed_convolution")
def transposed_convolution(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    out_channels: int,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    output_padding: Sizes,
    output_size: Sizes | None,
    layout: str,
) -> Array:
    x = channels_first(input, layout)
    axes = range(len(kernel_size))
    extents = x.shape[2:]
    window = kernel_size, stride, padding, dilation, output_padding, output_size
    full, padding, size = transposed_extents(extents, *window)
    taps = transposed_taps(x, weight, kernel_size, groups)
    total = np.zeros((len(x), out_channels, *(max(full[a], padding[a] + size[a]) for a in axes)), x.dtype)
    for tap in np.ndindex(*kernel_size):
        first = [tap[a] * dilation[a] for a in axes]
        places = tuple(slice(first[a], first[a] + (extents[a] - 1) * stride[a] + 1, stride[a]) for a in axes)
        total[spatial(places)] += taps[spatial(tap)]
    output = total[spatial(slice(padding[a], padding[a] + size[a]) for a in axes)]
    return channels_last(_with_bias(output, bias), layout)


def transposed_extents(
    extents: Sizes,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    output_padding: Sizes,
    output_size: Sizes | None,
) -> tuple[Sizes, Sizes, Sizes]:
    """Return the extents of a transposed convolution before it is cropped, what is cropped before, and what remains.

    Args:
        extents: Those of the input, of each spatial axis.
        kernel_size: As in the catalogue, and so are those that follow.
        stride: Likewise.
        padding: Likewise.
        dilation: Likewise.
        output_padding: Likewise.
        output_size: Likewise.

    Returns:
        Three numbers of positions for each axis.

    Example:
        >>> transposed_extents((5,), (3,), (2,), (1,), (1,), (1,), None)
        ([11], (1,), [10])
    """
    axes = range(len(kernel_size))
    full = [(extents[a] - 1) * stride[a] + dilation[a] * (kernel_size[a] - 1) + 1 for a in axes]
    if output_size is not None:
        surplus = [full[a] - output_size[a] for a in axes]
        padding, output_padding = [(t + 1) // 2 for t in surplus], [t % 2 for t in surplus]
    return full, padding, [full[a] - 2 * padding[a] + output_padding[a] for a in axes]


def transposed_taps(x: Array, weight: Array, kernel_size: Sizes, groups: int) -> Array:
    """Multiply each position of an input with each tap of the kernel of a transposed convolution.

    Args:
        x: The input, (N, in_channels, *extents).
        weight: The kernel, (in_channels, out_channels / groups, *kernel_size).
        kernel_size: The extents of the kernel.
        groups: The number of groups.

    Returns:
        The products, (N, out_channels, *kernel_size, *extents).

    Example:
        >>> transposed_taps(np.ones((1, 4, 5)), np.ones((4, 3, 2)), (2,), 2).shape
        (1, 6, 2, 5)
    """
    extents = x.shape[2:]
    kernel = weight.reshape(groups, len(weight) // groups, -1).swapaxes(1, 2)  # (groups, outputs*taps, inputs)
    taps = kernel @ x.reshape(len(x), groups, -1, math.prod(extents))
    return taps.reshape(len(x), groups * weight.shape[1], *kernel_size, *extents)


@reference("deformable_convolution")
def deformable_convolution(
    input: Array,
    offset: Array,
    mask: Array | None = None,
    *,
    weight: Array,
    bias: Array | None = None,
    out_channels: int,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    deformable_groups: int,
    modulated: bool,
) -> Array:
    n, channels = input.shape[:2]
    rows, columns = offset.shape[2:]
    shifts = offset.reshape(n, deformable_groups, *kernel_size, 2, rows, columns)
    samples = np.empty((n, deformable_groups, channels // deformable_groups, *kernel_size, rows, columns), input.dtype)
    images = input.reshape(n, deformable_groups, -1, *input.shape[2:])
    for sample, group, i, j in np.ndindex(n, deformable_groups, *kernel_size):
        down, across = shifts[sample, group, i, j]
        y = np.arange(rows)[:, None] * stride[0] - padding[0] + i * dilation[0] + down
        x = np.arange(columns) * stride[1] - padding[1] + j * dilation[1] + across
        samples[sample, group, :, i, j] = _sample(images[sample, group], y, x, modulated)
    if mask is not None:
        samples *= mask.reshape(n, deformable_groups, 1, *kernel_size, rows, columns)
    matrix = weight.reshape(out_channels, -1)
    products = [_grouped_product(matrix, sample.reshape(-1, rows * columns), groups) for sample in samples]
    return _with_bias(np.array(products, input.dtype).reshape(n, out_channels, rows, columns), bias)


def _sample(image: Array, y: Array, x: Array, modulated: bool) -> Array:
    """Interpolate an image (C, H, W) at rows y and columns x; see the kind's meaning for places outside."""
    height, width = image.shape[1:]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    if modulated:
        inside = (y > -1) & (y < height) & (x > -1) & (x < width)
        image, y, x = np.pad(image, [(0, 0), (1, 1), (1, 1)]), y + 1, x + 1
    last_row, last_column = image.shape[1] - 1, image.shape[2] - 1
    y, x = np.clip(y, 0, last_row), np.clip(x, 0, last_column)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom, right = np.minimum(top + 1, last_row), np.minimum(left + 1, last_column)
    down, across = y - top, x - left
    above = image[:, top, left] * (1 - across) + image[:, top, right] * across
    below = image[:, bottom, left] * (1 - across) + image[:, bottom, right] * across
    return np.where(inside, above * (1 - down) + below * down, 0)


@reference("extract_patches")
def extract_patches(input: Array, kernel_size: Sizes, stride: Sizes, dilation: Sizes, padding: Sizes) -> Array:
    padded = np.pad(input, [(0, 0), (0, 0), *((size, size) for size in padding)])
    view = windows(padded, kernel_size, stride, dilation)
    return view.reshape(len(input), input.shape[1] * math.prod(kernel_size), -1)


@reference("add_patches")
def add_patches(
    input: Array, output_size: Sizes, kernel_size: Sizes, stride: Sizes, dilation: Sizes, padding: Sizes
) -> Array:
    n, rows = input.shape[:2]
    axes = range(len(kernel_size))
    padded = [output_size[a] + 2 * padding[a] for a in axes]
    counts = [(padded[a] - dilation[a] * (kernel_size[a] - 1) - 1) // stride[a] + 1 for a in axes]
    patches = input.reshape(n, rows // math.prod(kernel_size), *kernel_size, *counts)
    total = np.zeros((n, patches.shape[1], *padded), input.dtype)
    for i, j in np.ndindex(*kernel_size):
        first = (i * dilation[0], j * dilation[1])
        places = [slice(first[a], first[a] + (counts[a] - 1) * stride[a] + 1, stride[a]) for a in axes]
        total[:, :, places[0], places[1]] += patches[:, :, i, j]
    return total[:, :, padding[0] : padding[0] + output_size[0], padding[1] : padding[1] + output_size[1]]
