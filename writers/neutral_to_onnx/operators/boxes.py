"""Boxes of object detectors: coordinates, overlaps, suppression. A box is four values that broadcast."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.bodies import finished
from neutral_to_onnx.lowering.node_context import NodeContext

Box = Sequence[OnnxValue]


def coordinates(node: NodeContext, boxes: OnnxValue) -> list[OnnxValue]:
    """Return the four columns (..., 1) of boxes (..., 4).

    Args:
        node: The node.
        boxes: The boxes.

    Returns:
        The columns.
    """
    return node.ops("Split", [boxes], 4, axis=-1, num_outputs=4 if node.opset >= 18 else None)


def arithmetic(node: NodeContext, op_type: str, x: OnnxValue, number: float) -> OnnxValue:
    """Return the result of an operator on a value and a number of its dtype.

    Args:
        node: The node.
        op_type: ``Add``, ``Mul`` and so on.
        x: The value.
        number: The second operand.

    Returns:
        The result.
    """
    return node.op(op_type, x, node.like(number, x))


def to_corners(node: NodeContext, box: Box, format: str) -> Box:
    """Return corner boxes.

    Args:
        node: The node.
        box: The four coordinates.
        format: ``corner`` or ``center``.

    Returns:
        The four coordinates.
    """
    if format == "corner":
        return box
    halves = [arithmetic(node, "Div", size, 2) for size in box[2:]]
    return [node.op(op_type, middle, half) for op_type in ("Sub", "Add") for middle, half in zip(box[:2], halves)]


def to_centers(node: NodeContext, box: Box, format: str) -> Box:
    """Return center boxes.

    Args:
        node: The node.
        box: The four coordinates.
        format: ``corner`` or ``center``.

    Returns:
        The four coordinates.
    """
    if format == "center":
        return box
    sizes = [node.op("Sub", high, low) for low, high in zip(box[:2], box[2:])]
    middles = [node.op("Add", low, arithmetic(node, "Div", size, 2)) for low, size in zip(box[:2], sizes)]
    return [*middles, *sizes]


def areas(node: NodeContext, box: Box, format: str) -> OnnxValue:
    """Return the areas of boxes; 0 where a width or height is negative.

    Args:
        node: The node.
        box: The four coordinates.
        format: ``corner`` or ``center``.

    Returns:
        The areas.
    """
    wide, high = box[2:] if format == "center" else (node.op("Sub", b, a) for a, b in zip(box[:2], box[2:]))
    zero = node.like(0, wide)
    negative = node.op("Or", node.op("Less", wide, zero), node.op("Less", high, zero))
    return node.op("Where", negative, zero, node.op("Mul", wide, high))


def intersections(node: NodeContext, first: Box, second: Box, extra: float = 0) -> OnnxValue:
    """Return the areas that corner boxes have in common.

    Args:
        node: The node.
        first: The four coordinates.
        second: The four coordinates of other boxes.
        extra: The number that is added to the extents.

    Returns:
        The areas.
    """
    sides = []
    for axis in range(2):
        low, high = node.op("Max", first[axis], second[axis]), node.op("Min", first[axis + 2], second[axis + 2])
        side = node.op("Sub", high, low)
        side = arithmetic(node, "Add", side, extra) if extra else side
        sides.append(node.op("Max", side, node.like(0, side)))
    return node.op("Mul", *sides)


def overlaps(node: NodeContext, first: Box, second: Box, format: str) -> OnnxValue:
    """Return the intersections divided by the unions; 0 where the intersection is 0.

    Args:
        node: The node.
        first: The four coordinates.
        second: The four coordinates of other boxes.
        format: ``corner`` or ``center``.

    Returns:
        The overlaps.
    """
    common = intersections(node, to_corners(node, first, format), to_corners(node, second, format))
    union = node.op("Sub", node.op("Add", areas(node, first, format), areas(node, second, format)), common)
    return divided(node, common, union, common)


def divided(node: NodeContext, x: OnnxValue, divisor: OnnxValue, positive: OnnxValue) -> OnnxValue:
    """Return a quotient where a value is positive, and 0 elsewhere.

    Args:
        node: The node.
        x: The dividend.
        divisor: The divisor.
        positive: The value that decides.

    Returns:
        The quotient.
    """
    condition = node.op("Greater", positive, node.like(0, positive))
    quotient = node.op("Div", x, node.op("Where", condition, divisor, node.like(1, divisor)))
    return node.op("Where", condition, quotient, node.like(0, quotient))


def other_axis(node: NodeContext, columns: Sequence[OnnxValue]) -> list[OnnxValue]:
    """Return columns (N, boxes, 1) as rows (N, 1, boxes).

    Args:
        node: The node.
        columns: The columns.

    Returns:
        The rows.
    """
    return [node.op("Transpose", column, perm=[0, 2, 1]) for column in columns]


def taken(node: NodeContext, x: OnnxValue, index: OnnxValue) -> OnnxValue:
    """Return rows (N, k, ...) of a value (N, boxes, ...).

    Args:
        node: The node.
        x: The value.
        index: The positions (N, k).

    Returns:
        The rows.
    """
    return node.op("GatherND", x, node.op("Unsqueeze", index, node.ints([-1])), batch_dims=1)


def best(node: NodeContext, scores: OnnxValue, count: int | None) -> tuple[OnnxValue, OnnxValue]:
    """Return the highest scores (N, k) in descending order, equal ones in their order before, and their positions.

    Args:
        node: The node.
        scores: The scores (N, boxes).
        count: The number k; None or more than there are: all.

    Returns:
        The scores and the positions.
    """
    extent = node.extent(scores, 1)
    if count is None:
        number = node.vector([extent])
    elif isinstance(extent, Extent):
        number = node.op("Min", node.vector([extent]), node.ints(count))
    else:
        number = node.ints(min(extent, count))
    first, second = node.ops("TopK", [scores, number], 2)
    return first, second


def suppress(node: NodeContext, valid: OnnxValue, removes: OnnxValue) -> OnnxValue:
    """Run non-maximum suppression over boxes in order.

    A box is removed by earlier ones that remain. Starting with all boxes, the remaining ones are computed from each
    other until nothing changes: after step n the first n boxes are final, and mostly all are after a few steps.

    Args:
        node: The node.
        valid: Which boxes take part (N, k), bool.
        removes: Whether box i would remove box j (N, k, k), bool; only i < j is used.

    Returns:
        Which boxes remain (N, k), bool.
    """
    matrix = node.op("Trilu", node.cast(removes, "float32"), node.constant(1, "int64"), upper=1)
    start = node.op("Unsqueeze", node.cast(valid, "float32"), node.ints(1))
    builder = node.builder.subgraph()
    body = node.inside(builder)
    step = builder.input(f"{node.name}/step", "int64", ())
    again = builder.input(f"{node.name}/again", "bool", ())
    before = builder.input(f"{node.name}/remaining", "float32", start.shape)
    free = body.cast(body.op("Less", body.op("MatMul", before, matrix), body.constant(0.5, "float32")), "float32")
    after = body.op("Mul", start, free)
    difference = body.reduce("ReduceSum", body.op("Abs", body.op("Sub", after, before)), None, keepdims=False)
    changed = body.op("Greater", difference, body.constant(0.5, "float32"))
    graph = finished(body, "body", [step, again, before], [changed, after])
    (last,) = node.ops("Loop", [None, node.constant(True, "bool"), start], 1, [("float32", start.shape)], body=graph)
    return node.cast(node.op("Squeeze", last, node.ints(1)), "bool")


def positions(node: NodeContext, value: OnnxValue, axis: int) -> OnnxValue:
    """Return the positions of an axis.

    Args:
        node: The node.
        value: The value.
        axis: The axis.

    Returns:
        The numbers from 0, int64.
    """
    extent = node.extent(value, axis)
    if isinstance(extent, int):
        return node.constant(np.arange(extent), "int64")
    length = node.op("Squeeze", node.vector([extent]))
    return node.op("Range", node.constant(0, "int64"), length, node.constant(1, "int64"))
