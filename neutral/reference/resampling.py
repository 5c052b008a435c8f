"""Positions and weights by which images are resized: for each sample along an axis the pixels that it is a sum of."""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np

Array = Any

Taps = Tuple[Array, Array]
"""Positions of pixels and their weights in single precision, each (samples, pixels of a sample)."""


def scale_of(extent: int, size: int) -> float:
    """Return the number of pixels for each sample.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples.

    Returns:
        ``extent / size``, rounded twice.
    """
    return 1 / (size / extent)


def taps(interpolation: str, extent: int, size: int) -> Taps:
    """Return the pixels and weights of ``bilinear``, ``bicubic`` and ``lanczos``; beyond the border they repeat.

    Args:
        interpolation: The interpolation.
        extent: The extent of the axis, in pixels.
        size: The number of samples.

    Returns:
        Two, four or eight pixels for each sample.

    Example:
        >>> [array.tolist() for array in taps("bilinear", 4, 2)]
        [[[0, 1], [2, 3]], [[0.5, 0.5], [0.5, 0.5]]]
    """
    places = ((np.arange(size) + 0.5) * scale_of(extent, size) - 0.5).astype(np.float32)
    low = np.floor(places)
    share = places - low
    if interpolation == "bilinear":
        weights = _linear(share)
    else:
        weights = _cubic(share) if interpolation == "bicubic" else _lanczos(share)
    return _near(low, weights.shape[1], extent), weights


def _near(low: Array, count: int, extent: int) -> Array:
    return np.clip(low.astype(int)[:, None] + np.arange(1 - count // 2, 1 + count // 2), 0, extent - 1)


def _linear(share: Array) -> Array:
    return np.stack([1 - share, share], -1)


def _cubic(share: Array) -> Array:
    """Return the weights of the cubic convolution with a = -0.75 for four neighbours."""
    x, y, a = share + 1, 1 - share, np.float32(-0.75)
    first = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    second, third = (((a + 2) * each - (a + 3)) * each * each + 1 for each in (share, y))
    return np.stack([first, second, third, 1 - first - second - third], -1)


def _lanczos(share: Array) -> Array:
    """Return the weights of the Lanczos kernel of eight neighbours, whose sum is 1."""
    s = 0.5**0.5
    sines, cosines = np.array([[1, -s, 0, s, -1, s, 0, -s], [0, -s, 1, -s, 0, s, -1, s]])
    place = (share[:, None] + np.float32(3) - np.arange(8, dtype=np.float32)).astype(np.float64)
    angle = -place * np.pi * 0.25
    with np.errstate(all="ignore"):  # a place of 0 is overwritten below
        weights = ((sines * np.sin(angle[:, :1]) + cosines * np.cos(angle[:, :1])) / angle**2).astype(np.float32)
        total = np.zeros(len(share), np.float32)
        for index in range(8):
            total = total + weights[:, index]
        weights = weights * (1 / total)[:, None]
    weights[share < np.finfo(np.float32).eps] = np.eye(8, dtype=np.float32)[3]
    return weights


def area_taps(extent: int, size: int) -> Taps:
    """Return the pixels below each sample of an axis that becomes shorter, weighted by the shares that lie below it.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples, at most ``extent``.

    Returns:
        As many pixels as the widest sample has, some of weight 0.
    """
    scale = scale_of(extent, size)
    start = np.arange(size) * scale
    end = start + scale
    cell = np.minimum(scale, extent - start)
    last = np.minimum(np.floor(end), extent - 1)
    first = np.minimum(np.ceil(start), last)
    place = first[:, None] - 1 + np.arange(int(scale) + 3)
    first, last, before, after = (each[:, None] for each in (first, last, first - start, end - last))
    after = np.where(after > 1e-3, np.minimum(np.minimum(after, 1), cell[:, None]), 0)
    share = np.where(place < first, np.where(before > 1e-3, before, 0), np.where(place < last, 1.0, after))
    share = np.where(place > last, 0, share) / cell[:, None]
    return np.clip(place, 0, extent - 1).astype(int), share.astype(np.float32)


def area_between(extent: int, size: int) -> Taps:
    """Return two neighbours of each sample where an axis becomes longer: most samples lie within one pixel.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples.

    Returns:
        Two pixels for each sample.
    """
    step = np.arange(size)
    low = np.floor(step * scale_of(extent, size))
    share = ((step + 1) - (low + 1) * (size / extent)).astype(np.float32)
    share = np.where(share <= 0, np.float32(0), share - np.floor(share))
    return _near(low, 2, extent), _linear(share)


def is_whole(scale: float) -> bool:
    """Return whether a sample has a whole number of pixels.

    Args:
        scale: What :func:`scale_of` returned.

    Returns:
        True if the scale is an integer up to one rounding step of 1.
    """
    return abs(scale - round(scale)) < 2**-52
