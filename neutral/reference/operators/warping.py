"""Sampling and comparison of images at other positions."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("affine_grid")
def affine_grid(input: Array, size: Sequence[int]) -> Array:
    y, x = (np.linspace(-1, 1, extent).astype(input.dtype) for extent in size)
    columns, rows = np.meshgrid(x, y)
    points = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    return (input.reshape(-1, 2, 3) @ points).reshape(len(input), 2, *size)


@reference("flow_grid")
def flow_grid(input: Array) -> Array:
    height, width = input.shape[2:]
    x = (np.arange(width) + input[:, 0]) / ((width - 1) / 2) - 1
    y = (np.arange(height)[:, None] + input[:, 1]) / ((height - 1) / 2) - 1
    return np.stack([x, y], 1)


@reference("grid_sample")
def grid_sample(input: Array, grid: Array) -> Array:
    height, width = input.shape[2:]
    column, row = (grid[:, 0] + 1) * (width - 1) / 2, (grid[:, 1] + 1) * (height - 1) / 2
    left, top = np.floor(column), np.floor(row)
    samples = np.arange(len(input))[:, None, None]
    output = np.zeros((*input.shape[:2], *grid.shape[2:]), input.dtype)
    for y, x in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        rows, columns = np.where(inside, y, 0).astype(int), np.where(inside, x, 0).astype(int)
        weight = np.where(inside, (1 - np.abs(row - y)) * (1 - np.abs(column - x)), 0)
        output += np.moveaxis(input[samples, :, rows, columns], -1, 1) * weight[:, None]
    return output


@reference("correlation")
def correlation(
    input: Array,
    other: Array,
    kernel_size: int,
    max_displacement: int,
    stride: int,
    displacement_stride: int,
    padding: int,
    comparison: str,
) -> Array:
    first, second = (np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)]) for x in (input, other))
    radius = max_displacement // displacement_stride
    starts = [range(max_displacement, first.shape[a] - max_displacement - kernel_size + 1, stride) for a in (2, 3)]
    output = np.empty((len(input), (2 * radius + 1) ** 2, len(starts[0]), len(starts[1])), input.dtype)
    for i, j in np.ndindex(2 * radius + 1, 2 * radius + 1):
        for row, y in enumerate(starts[0]):
            for column, x in enumerate(starts[1]):
                down, across = y + (i - radius) * displacement_stride, x + (j - radius) * displacement_stride
                a = first[:, :, y : y + kernel_size, x : x + kernel_size]
                b = second[:, :, down : down + kernel_size, across : across + kernel_size]
                compared = a * b if comparison == "product" else np.abs(a - b)
                output[:, i * (2 * radius + 1) + j, row, column] = compared.mean((1, 2, 3))
    return output
