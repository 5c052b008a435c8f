"""Bilinear samples of a feature map, and the corners of regions."""

from __future__ import annotations

import numpy as np

from neutral.reference.registry import Array


def round_half_away(numbers: Array) -> Array:
    """Round to integers, halves away from zero.

    Args:
        numbers: Floating numbers.

    Returns:
        The integers, in the dtype of the numbers.

    Example:
        >>> round_half_away(np.array([0.5, -0.5, 1.4])).tolist()
        [1.0, -1.0, 1.0]
    """
    whole = np.trunc(numbers)
    return whole + np.where(np.abs(numbers - whole) >= 0.5, np.sign(numbers), 0)


def bilinear(image: Array, y: Array, x: Array) -> Array:
    """Interpolate between the four nearest positions; one outside of the first or last row or column has its value.

    Args:
        image: (C, H, W).
        y: Rows of the samples, of any shape.
        x: Columns of the samples, of the same shape.

    Returns:
        (C, *shape).
    """
    height, width = image.shape[1:]
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = y - top, x - left
    above = image[:, top, left] * (1 - across) + image[:, top, right] * across
    below = image[:, bottom, left] * (1 - across) + image[:, bottom, right] * across
    return above * (1 - down) + below * down


def cell_middles(extent: float, cells: int) -> Array:
    """Return the middles of equal cells.

    Args:
        extent: The length that is divided.
        cells: The number of cells.

    Returns:
        The distances from the start, in the dtype of the extent.

    Example:
        >>> cell_middles(np.float32(2), 4).tolist()
        [0.25, 0.75, 1.25, 1.75]
    """
    dtype = np.asarray(extent).dtype
    return ((np.arange(cells) + 0.5).astype(dtype) * extent / dtype.type(cells)).astype(dtype)
