"""Crops that are no single indexing expression."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def crop(x: Tensor, size: Sequence[int], offset: tuple[int, int] | None = None) -> Tensor:
    """Crop a rectangle of an image; without an offset the one in the middle.

    Args:
        x: Images (N, C, H, W).
        size: Height and width of the result, in pixels.
        offset: The first row and column; None for the middle.

    Returns:
        Images (N, C, height, width).
    """
    height, width = size
    top, left = offset or ((x.shape[2] - height) // 2, (x.shape[3] - width) // 2)
    return x[:, :, top : top + height, left : left + width]


def slice_like(x: Tensor, like: Tensor) -> Tensor:
    """Take the first positions of every axis, as many as the other tensor has.

    Args:
        x: A tensor of any shape.
        like: A tensor of the same rank, at most as large along every axis.

    Returns:
        A tensor of the shape of ``like``.
    """
    return x[tuple(slice(extent) for extent in like.shape)]


def slice_assign(x: Tensor, index: tuple[slice, ...], value: Tensor | float) -> Tensor:
    """Copy ``x`` with a part replaced.

    Args:
        x: A tensor of any shape; it is not changed.
        index: A slice for each axis.
        value: The new part, which broadcasts to ``x[index]``.

    Returns:
        A tensor of the shape of ``x``.
    """
    x = x.clone()
    x[index] = value
    return x
