"""The shape that the codes of ``Reshape`` give."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.inference.shape_types import PartialShape

COPY, INFER, REST, MERGE, SPLIT = 0, -1, -2, -3, -4


def reshaped(shape: PartialShape, codes: Sequence[int]) -> PartialShape | None:
    """Return the shape of a reshaped tensor.

    Args:
        shape: The known extents of the tensor's shape.
        codes: The codes, applied from the first axis on: an extent, or 0 to copy one, -1 to infer it, -2 to copy all
            remaining ones, -3 to merge two, and -4 and two extents to split one.

    Returns:
        The shape, None if the codes are not valid; an IndexError if they need more axes than there are.

    Example:
        >>> reshaped((None, 8, 6, 6), (0, -4, 2, -1, -2)), reshaped((None, 2, 4, 6, 6), (0, -3, -2))
        ((None, 2, 4, 6, 6), (None, 8, 6, 6))
    """
    result: list[int | None] = []
    inferred = None
    axis, remaining = 0, list(codes)
    while remaining:
        code = remaining.pop(0)
        if code == REST:
            result += shape[axis:]
            axis = len(shape)
        elif code == MERGE:
            result.append(product([shape[axis], shape[axis + 1]]))
            axis += 2
        elif code == SPLIT:
            result += _split(shape[axis], [remaining.pop(0), remaining.pop(0)])
            axis += 1
        else:
            inferred = len(result) if code == INFER else inferred
            result.append(shape[axis] if code == COPY else None if code == INFER else code)
            axis += 1
    if inferred is not None:
        result[inferred] = _quotient(product(shape), product(result[:inferred] + result[inferred + 1 :]))
    return tuple(result)


def _split(extent: int | None, sizes: Sequence[int]) -> list[int | None]:
    """Return the two extents into which an axis is split, one of which may be -1."""
    known = [None if size == INFER else size for size in sizes]
    return [_quotient(extent, known[1 - index]) if size is None else size for index, size in enumerate(known)]


def product(extents: Sequence[int | None]) -> int | None:
    """Return the product of extents, None if one is not known.

    Args:
        extents: The extents.

    Returns:
        Their product, 1 for no extents.
    """
    result = 1
    for extent in extents:
        if extent is None:
            return None
        result *= extent
    return result


def _quotient(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or not part or whole % part else whole // part
