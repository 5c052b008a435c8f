"""Preprocessing of images inside a graph."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("image_to_tensor")
def image_to_tensor(input: Array) -> Array:
    return np.moveaxis(input.astype(np.float32) / np.float32(255), -1, -3)


@reference("image_normalize")
def image_normalize(input: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    numbers = (np.array(each, input.dtype).reshape(-1, 1, 1) for each in (mean, std))
    return (input - next(numbers)) / next(numbers)


@reference("image_crop")
def image_crop(input: Array, x: int, y: int, width: int, height: int) -> Array:
    return input[..., y : y + height, x : x + width, :]


@reference("image_crop_within")
def image_crop_within(
    input: Array,
    across: Array | None = None,
    down: Array | None = None,
    *,
    x: float | None,
    y: float | None,
    width: int,
    height: int,
) -> Array:
    rows, columns = input.shape[-3:-1]
    if height > rows:
        width, height = width * rows // height, rows
    width = min(width, columns)
    left = _start(x if across is None else across.item(), columns - width)
    top = _start(y if down is None else down.item(), rows - height)
    return input[..., top : top + height, left : left + width, :]


def _start(place: float | None, free: int) -> int:
    assert place is not None
    return int(np.float32(place) * np.float32(free))
