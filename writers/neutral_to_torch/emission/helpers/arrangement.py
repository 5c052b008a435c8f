"""Crops that are no single indexing expression."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def crop(x: Tensor, size: Sequence[int], offset: tuple[int, int] | None = None) -> Tensor:
    """Crop a rectangle of an image; without an offset the one in the middle."""
    height, width = size
    top, left = offset or ((x.shape[2] - height) // 2, (x.shape[3] - width) // 2)
    return x[:, :, top : top + height, left : left + width]


def slice_like(x: Tensor, like: Tensor) -> Tensor:
    """Take the first positions of every axis, as many as the other tensor has."""
    return x[tuple(slice(extent) for extent in like.shape)]


def slice_assign(x: Tensor, index: tuple[slice, ...], value: Tensor | float) -> Tensor:
    """Copy ``x`` with a part replaced."""
    x = x.clone()
    x[index] = value
    return x
