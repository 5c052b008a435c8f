"""Shapes of which some extents are not known."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

PartialShape = Tuple[Optional[int], ...]
"""The extents of a tensor's axes, None for each that is not known."""


def merged(shapes: Sequence[PartialShape | None]) -> PartialShape | None:
    """Return the shape of tensors that all have the same one.

    Args:
        shapes: The known extents of each tensor's shape.

    Returns:
        The known extents together; None if no rank is known or the shapes contradict each other.

    Example:
        >>> merged([(None, 8), None, (4, None)]), merged([(3,), (4,)])
        ((4, 8), None)
    """
    known = [shape for shape in shapes if shape is not None]
    if not known or len({len(shape) for shape in known}) != 1:
        return None
    extents = [{extent for extent in axis if extent is not None} for axis in zip(*known)]
    return None if any(len(axis) > 1 for axis in extents) else tuple(next(iter(axis), None) for axis in extents)


def broadcast(shapes: Sequence[PartialShape | None]) -> PartialShape | None:
    """Return the shape to which tensors broadcast.

    Args:
        shapes: The known extents of each tensor's shape.

    Returns:
        The shape; an extent is known if one operand's is above 1, or if all are 1. None if a rank is not known.

    Example:
        >>> broadcast([(None, 8, 1), (4, None, 1)]), broadcast([(None, 8), None])
        ((4, 8, 1), None)
    """
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes) or not known:
        return None
    rank = max(map(len, known))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in known]
    return tuple(_broadcast_extent(axis) for axis in zip(*padded))


def _broadcast_extent(extents: Sequence[int | None]) -> int | None:
    above = {extent for extent in extents if extent not in (None, 1)}
    if above:
        return above.pop() if len(above) == 1 else None
    return None if None in extents else 1
