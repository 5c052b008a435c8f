"""Shapes of inputs whose number of dimensions is free, to be tried one after the other."""

from __future__ import annotations

from itertools import islice, product
from typing import Iterator, Sequence

from neutral.graph import Input

EXTENT = 8
"""The extent of free dimensions but the first."""

MOST_TRIED = 128
"""The most combinations of shapes that are tried."""

MOST_INPUTS = 3
"""The most inputs whose shapes are combined; more of them get the same shape."""


def equal_shapes(inputs: Sequence[Input], batch: int) -> list[dict[str, tuple[int, ...]]]:
    """Return shapes of all inputs with the same one, of one to three dimensions, for those whose number is free.

    Args:
        inputs: The inputs.
        batch: The first dimension where it is free.

    Returns:
        Shapes by name of input.

    Example:
        >>> equal_shapes((Input("x"),), 2)
        [{'x': (2,)}, {'x': (2, 8)}, {'x': (2, 8, 8)}]
    """
    return [
        {item.name: _filled((None,) * rank if item.shape is None else item.shape, batch) for item in inputs}
        for rank in (1, 2, 3)
    ]


def shapes_of_other_ranks(
    inputs: Sequence[Input], features: int | None, batch: int
) -> Iterator[dict[str, tuple[int, ...]]]:
    """Yield shapes of all inputs, with one to four dimensions where the graph leaves their number free.

    Args:
        inputs: The inputs.
        features: The last dimension that a linear layer takes; None without one.
        batch: The first dimension where it is free.

    Yields:
        Shapes by name of input, at most 128 times.

    Example:
        >>> list(shapes_of_other_ranks((Input("x"),), None, 2))[:3]
        [{'x': (2, 8)}, {'x': (2, 8, 8)}, {'x': (2,)}]
    """
    free = [item.name for item in inputs if item.shape is None]
    known = {item.name: _filled(item.shape, batch) for item in inputs if item.shape is not None}
    shapes = _shapes(features, batch)
    groups = len(free) if len(free) <= MOST_INPUTS else 1
    combinations = sorted(product(range(len(shapes)), repeat=groups), key=lambda numbers: (sum(numbers), numbers))
    for numbers in islice(combinations, MOST_TRIED):
        chosen = {name: shapes[numbers[position % groups]] for position, name in enumerate(free)}
        yield {item.name: {**known, **chosen}[item.name] for item in inputs}


def _shapes(features: int | None, batch: int) -> list[tuple[int, ...]]:
    """Return the shapes to try, the commonest first; the last ones are a scalar in a vector and an image."""
    shapes = [(batch, EXTENT), (batch, EXTENT, EXTENT), (batch,), (1,), (batch, EXTENT, EXTENT, EXTENT)]
    if features is not None:
        shapes[:0] = [(batch, features), (batch, EXTENT, features)]
    return list(dict.fromkeys(shapes))


def _filled(shape: tuple[int | None, ...], batch: int) -> tuple[int, ...]:
    return tuple(size if size is not None else EXTENT if axis else batch for axis, size in enumerate(shape))
