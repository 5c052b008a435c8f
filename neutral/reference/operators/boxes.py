"""Corner boxes (x1, y1, x2, y2) and center boxes (x, y, width, height), and their overlaps."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from neutral.reference.registry import Array


def to_corners(boxes: Array, format: str) -> Array:
    """Return corner boxes.

    Args:
        boxes: (..., 4) in a format.
        format: ``corner`` or ``center``.

    Returns:
        (..., 4).
    """
    if format == "corner":
        return boxes
    middle, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([middle - half, middle + half], -1)


def to_centers(boxes: Array, format: str) -> Array:
    """Return center boxes.

    Args:
        boxes: (..., 4) in a format.
        format: ``corner`` or ``center``.

    Returns:
        (..., 4).
    """
    if format == "center":
        return boxes
    size = boxes[..., 2:] - boxes[..., :2]
    return np.concatenate([boxes[..., :2] + size / 2, size], -1)


def areas(boxes: Array, format: str) -> Array:
    """Return the areas of boxes; 0 where a width or height is negative.

    Args:
        boxes: (..., 4) in a format.
        format: ``corner`` or ``center``.

    Returns:
        An array without the last axis.
    """
    sides = boxes[..., 2:] if format == "center" else boxes[..., 2:] - boxes[..., :2]
    return np.where((sides < 0).any(-1), 0, sides.prod(-1))


def intersections(first: Array, second: Array) -> Array:
    """Return the areas that corner boxes have in common.

    Args:
        first: (..., 4).
        second: (..., 4), which broadcasts.

    Returns:
        An array without the last axis.
    """
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    return np.maximum(high - low, 0).prod(-1)


def overlaps(first: Array, second: Array, format: str) -> Array:
    """Return the intersections divided by the unions; 0 where the intersection is 0.

    Args:
        first: (..., 4) in a format.
        second: (..., 4), which broadcasts.
        format: ``corner`` or ``center``.

    Returns:
        An array without the last axis.

    Example:
        >>> overlaps(np.array([0.0, 0, 2, 2]), np.array([0.0, 0, 1, 2]), "corner").item()
        0.5
    """
    common = intersections(to_corners(first, format), to_corners(second, format))
    union = areas(first, format) + areas(second, format) - common
    return np.where(common > 0, common / np.where(common > 0, union, 1), 0)


def suppress(order: Sequence[int], removes: Callable[[int, Array], Array]) -> list[int]:
    """Run non-maximum suppression: each box that is not removed yet removes later ones.

    Args:
        order: The numbers of the boxes, the first one first.
        removes: Return which of several boxes (their numbers) a box removes.

    Returns:
        The numbers of the boxes that remain, in their order.

    Example:
        >>> suppress([3, 1, 2], lambda box, others: others == box - 1)
        [3, 1]
    """
    remaining, kept = np.array(order, int), []
    while len(remaining):
        first, remaining = int(remaining[0]), remaining[1:]
        kept.append(first)
        remaining = remaining[~removes(first, remaining)]
    return kept
