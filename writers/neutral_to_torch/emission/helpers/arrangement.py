"""Crops and paddings that are not a single indexing expression."""

from __future__ import annotations

import torch
from torch import Tensor


def crop(x: Tensor, size: list[int], offset: tuple[int, int] | None = None) -> Tensor:
    """Crop a rectangle of an image; without an offset the one in the middle.

    Args:
        x: Images (N, C, H, W).
        size: Height and width of the result, in pixels.
        offset: The first row and column; None for the middle.

    Returns:
        Images (N, C, height, width).
    """
    height, width = size
    middle = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    top, left = middle if offset is None else offset
    return x[:, :, top : top + height, left : left + width]


@torch.fx.wrap
def slice_like(x: Tensor, like: Tensor, axes: list[int] | None = None) -> Tensor:
    """Take the first positions along axes, as many as the other tensor has.

    Args:
        x: A tensor of any shape.
        like: A tensor that is at most as large along these axes.
        axes: The axes; None for all.

    Returns:
        A tensor of the rank of ``x``.
    """
    if axes is None:
        axes = list(range(x.dim()))
    for axis in axes:
        x = x.narrow(axis, 0, like.shape[axis])
    return x


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


def pad_from_within(x: Tensor, widths: tuple[tuple[int, int], ...], mode: str) -> Tensor:
    """Add positions at both ends of axes, which repeat others.

    Args:
        x: A tensor of any shape.
        widths: The number of positions before and after each axis.
        mode: ``"edge"`` repeats the outermost position, ``"reflect"`` mirrors the others, and
            ``"symmetric"`` all of them.

    Returns:
        The larger tensor.
    """
    for axis, (before, after) in enumerate(widths):
        size = x.shape[axis]
        positions = torch.arange(-before, size + after, device=x.device)
        if mode == "edge":
            positions = positions.clamp(0, size - 1)
        else:
            turn = size if mode == "symmetric" else size - 1
            positions = positions % max(2 * turn, 1)
            back = 2 * turn - positions - int(mode == "symmetric")
            positions = torch.where(positions < size, positions, back)
        x = x.index_select(axis, positions)
    return x


def pad_with_extremes(
    x: Tensor, widths: tuple[tuple[int, int], ...], largest: bool = True
) -> Tensor:
    """Add positions at both ends of axes, which hold the largest or smallest number along them.

    Args:
        x: A tensor of any shape.
        widths: The number of positions before and after each axis.
        largest: Whether the largest number is taken.

    Returns:
        The larger tensor.
    """
    for axis, (before, after) in enumerate(widths):
        extreme = x.amax(axis, keepdim=True) if largest else x.amin(axis, keepdim=True)
        ends = [extreme.repeat_interleave(count, axis) for count in (before, after)]
        x = torch.cat([ends[0], x, ends[1]], axis)
    return x
