"""Ranks, axes and extents of values, and reshapes whose shape is a constant where it can be."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.node_operations import NodeOperations
from neutral_to_onnx.registry import NeedsShape


class NodeShapes(NodeOperations):
    """The operators that a rule adds for one node, with those that compute and change shapes."""

    def rank(self, value: OnnxValue) -> int:
        """Return the rank of a value.

        Args:
            value: The value.

        Returns:
            The number of axes.

        Raises:
            Unsupported: If it is unknown.
        """
        if value.rank is None:
            raise NeedsShape(f"the rank of {value.name!r} is unknown")
        return value.rank

    def axis(self, axis: int, value: OnnxValue) -> int:
        """Return an axis counted from 0.

        Args:
            axis: The axis; negative ones count from the end.
            value: The value whose axis it is.

        Returns:
            The axis.
        """
        return axis if axis >= 0 else axis + self.rank(value)

    def extent(self, value: OnnxValue, axis: int) -> int | Extent:
        """Return the extent of an axis: a number if it is known.

        Args:
            value: The value.
            axis: The axis; negative ones count from the end.

        Returns:
            The number, or an object that stands for the extent at run time.
        """
        axis = self.axis(axis, value)
        size = None if value.shape is None else value.shape[axis]
        return size if isinstance(size, int) else Extent(value, axis)

    def extents(self, value: OnnxValue) -> list[int | Extent]:
        """Return the extents of all axes.

        Args:
            value: The value, whose rank is known.

        Returns:
            A number or an extent at run time for each axis.
        """
        return [self.extent(value, axis) for axis in range(self.rank(value))]

    def vector(self, parts: Sequence[int | Extent | OnnxValue]) -> OnnxValue:
        """Return a vector of int64 of extents.

        Args:
            parts: Numbers, extents at run time, and vectors of int64.

        Returns:
            A constant if all parts are numbers.
        """
        pieces: list[OnnxValue] = []
        numbers: list[int] = []
        for part in parts:
            if isinstance(part, int):
                numbers.append(part)
                continue
            if numbers:
                pieces.append(self.ints(numbers))
                numbers = []
            pieces.append(self._extent_vector(part) if isinstance(part, Extent) else part)
        if numbers or not pieces:
            pieces.append(self.constant(np.asarray(numbers, np.int64), "int64"))
        return pieces[0] if len(pieces) == 1 else self.op("Concat", *pieces, axis=0)

    def _extent_vector(self, extent: Extent) -> OnnxValue:
        return self.op("Shape", extent.value, start=extent.axis, end=extent.axis + 1)

    def reshape(self, value: OnnxValue, parts: Sequence[int | Extent]) -> OnnxValue:
        """Reshape a value, with a constant shape wherever at most one extent is left open.

        Args:
            value: The value.
            parts: The new extents; -1 stands for the one that is inferred.

        Returns:
            The value in the new shape.
        """
        shape = tuple(part.symbol if isinstance(part, Extent) else None if part == -1 else part for part in parts)
        if value.shape == shape and all(isinstance(size, int) for size in shape):
            return value
        if 0 in [part for part in parts if isinstance(part, int)]:
            reshaped = self.op("Reshape", value, self.vector(parts), allowzero=1)
        else:
            codes: list[int | Extent] = [_copied(part, value, position) for position, part in enumerate(parts)]
            late = [position for position, code in enumerate(codes) if isinstance(code, Extent)]
            if len(late) == 1 and -1 not in codes:
                codes[late[0]] = -1
            reshaped = self.op("Reshape", value, self.vector(codes))
        inferred = reshaped.shape
        if inferred is not None and len(inferred) == len(shape):
            shape = tuple(old if new is None else new for new, old in zip(shape, inferred))
        return self.builder.with_shape(reshaped, shape)


def _copied(part: int | Extent, value: OnnxValue, position: int) -> int | Extent:
    """Return the code 0, which copies the extent of the operand at this position, where that is the one wanted."""
    if isinstance(part, Extent) and part.axis == position and part.value.name == value.name:
        return 0
    return part
