"""Divide a dataset into blocks that are whole chunks, so that no chunk is unpacked twice."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Iterator, Sequence, Tuple

from neutral.tensor import CHUNK

Region = Tuple[Tuple[int, int], ...]
"""The first index and the one after the last of the leading axes; the other axes are whole."""


def regions(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> Iterator[Region]:
    """Yield regions that are contiguous, and together the whole dataset in row-major order.

    Args:
        shape: The shape of the dataset.
        chunk: The shape of its chunks; ones if it has none.
        itemsize: Bytes of an element.

    Yields:
        Start and stop for each of the first axes; the others are whole.

    Example:
        >>> list(regions((5, 3), (2, 3), 1 << 18))
        [((0, 2),), ((2, 4),), ((4, 5),)]
    """
    if 0 in shape:
        return
    if not shape:
        yield ()
        return
    axis, row = _first_divided_axis(shape, chunk, itemsize)
    count = max(1, CHUNK // (chunk[axis] * row)) * chunk[axis]
    for prefix in product(*map(range, shape[:axis])):
        for start in range(0, shape[axis], count):
            yield (*((index, index + 1) for index in prefix), (start, min(start + count, shape[axis])))


def largest_block(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> int:
    """Return the bytes of the largest region, and of the largest chunk if that is more.

    Args:
        shape: The shape of the dataset.
        chunk: The shape of its chunks; ones if it has none.
        itemsize: Bytes of an element.

    Returns:
        Bytes that reading the dataset takes at a time.

    Example:
        >>> largest_block((5, 3), (2, 3), 4)
        24
    """
    if not shape or 0 in shape:
        return itemsize
    axis, row = _first_divided_axis(shape, chunk, itemsize)
    return max(row * min(chunk[axis], shape[axis]), prod(chunk) * itemsize)


def region_size(region: Region, shape: Sequence[int]) -> int:
    """Return the number of elements of a region.

    Args:
        region: A region of :func:`regions`.
        shape: The shape of the dataset.

    Returns:
        Elements, not bytes.

    Example:
        >>> region_size(((1, 3),), (5, 3))
        6
    """
    return prod([stop - start for start, stop in region]) * prod(shape[len(region) :])


def _first_divided_axis(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> tuple[int, int]:
    """Return the axis along which blocks follow each other, and the bytes of one index of it."""
    row = prod(shape) * itemsize
    for axis, extent in enumerate(shape):
        row //= extent
        if chunk[axis] > 1 or row <= CHUNK:
            break
    return axis, row
