"""Faults of a network's inputs: preprocessing that is missing, or is done twice."""

from __future__ import annotations

from typing import Callable, Iterator, Sequence

import numpy as np

from neutral.reference.faults.change import Change
from neutral.reference.registry import Array

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Those of ImageNet in RGB, for values up to 1."""

MEAN_255, DEVIATION_255 = (123.68, 116.779, 103.939), (58.393, 57.12, 57.375)
"""The same as common for values up to 255."""

Scaling = Callable[[Array, Callable[[Sequence[float]], Array]], Array]

SCALINGS: tuple[tuple[str, Scaling, Scaling], ...] = (
    ("divided by 255", lambda x, c: x / 255, lambda x, c: x * 255),
    ("minus 127.5, divided by 128", lambda x, c: (x - 127.5) / 128, lambda x, c: x * 128 + 127.5),
    ("divided by 127.5, minus 1", lambda x, c: x / 127.5 - 1, lambda x, c: (x + 1) * 127.5),
    ("minus 0.5, divided by 0.5", lambda x, c: (x - 0.5) / 0.5, lambda x, c: x * 0.5 + 0.5),
)
"""A transformation of any input, in words, and its reverse."""

CHANNEL_SCALINGS: tuple[tuple[str, Scaling, Scaling], ...] = (
    (
        "minus ImageNet's mean, divided by its deviation",
        lambda x, c: (x - c(MEAN)) / c(DEVIATION),
        lambda x, c: x * c(DEVIATION) + c(MEAN),
    ),
    (
        "divided by 255, minus ImageNet's mean, divided by its deviation",
        lambda x, c: (x / 255 - c(MEAN)) / c(DEVIATION),
        lambda x, c: (x * c(DEVIATION) + c(MEAN)) * 255,
    ),
    ("minus ImageNet's mean of values up to 255", lambda x, c: x - c(MEAN_255), lambda x, c: x + c(MEAN_255)),
    (
        "minus ImageNet's mean, divided by its deviation of values up to 255",
        lambda x, c: (x - c(MEAN_255)) / c(DEVIATION_255),
        lambda x, c: x * c(DEVIATION_255) + c(MEAN_255),
    ),
)
"""The same of images with three channels."""


def input_changes(values: Array) -> Iterator[Change]:
    """Yield an input after preprocessing that it may lack, and before preprocessing that it may have had.

    Args:
        values: The recorded input; images are (N, channels, H, W) or (N, H, W, channels).

    Yields:
        Changes with the other values.

    Example:
        >>> image = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
        >>> changes = list(input_changes(image))
        >>> changes[0].words
        'the channels of the input in reverse order: RGB in the place of BGR, or the reverse'
        >>> changes[0].operand[0, 0].tolist()
        [[8.0, 9.0], [10.0, 11.0]]
    """
    if values.dtype.kind != "f":
        return
    axis = next((axis for axis in (1, -1) if values.ndim == 4 and values.shape[axis] == 3), None)
    scalings = SCALINGS if axis is None else (*SCALINGS, *CHANNEL_SCALINGS)
    if axis is not None:
        words = "the channels of the input in reverse order: RGB in the place of BGR, or the reverse"
        yield Change(words, operand=np.flip(values, axis))
    for words, forward, backward in scalings:
        for text, function in ((f"an input {words}", forward), (f"an input that is not {words}", backward)):
            scaled = _applied(function, values, axis)
            yield Change(f"{text}: preprocessing", operand=scaled)
            if axis is not None:
                flipped = _applied(function, np.flip(values, axis), axis)
                text = f"{text}, with its channels in reverse order (RGB, BGR): preprocessing"
                yield Change(text, operand=flipped)
                yield Change(text, operand=np.flip(scaled, axis))
    if values.ndim == 4 and axis is not None:
        first, second = (2, 3) if axis == 1 else (1, 2)
        if values.shape[first] == values.shape[second]:
            exchanged = values.swapaxes(first, second)
            yield Change("the rows and columns of the input exchanged: preprocessing", operand=exchanged)


def _applied(function: Scaling, values: Array, axis: int | None) -> Array:
    result = function(values.astype(np.float64), lambda numbers: _of_channels(numbers, axis, values.ndim))
    return result.astype(values.dtype)


def _of_channels(numbers: Sequence[float], axis: int | None, rank: int) -> Array:
    shape = [1] * rank
    if axis is not None:
        shape[axis] = -1
    return np.array(numbers).reshape(shape)
