"""Slices with the semantics of Python, and the assignment to one."""

from __future__ import annotations

from typing import Sequence

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule

FIRST, LAST = -(2**63) + 1, 2**63 - 1
"""Bounds beyond every axis."""


def sliced(
    node: NodeContext,
    x: OnnxValue,
    axes: Sequence[int],
    starts: Sequence[int | None],
    ends: Sequence[int | None],
    steps: Sequence[int] | None = None,
) -> OnnxValue:
    """Return a part of a value.

    Args:
        node: The node.
        x: The value.
        axes: The axes.
        starts: The first position for each axis; None: the first in the direction of the step.
        ends: The position to stop before; None: after the last.
        steps: The steps; None: 1 each.

    Returns:
        The part.
    """
    steps = steps or [1] * len(axes)
    bounds = [_bounds(node, x, *item) for item in zip(axes, starts, ends, steps)]
    first, last = [start for start, _ in bounds], [end for _, end in bounds]
    operands = [node.ints(first), node.ints(last), node.ints(list(axes))]
    return node.op("Slice", x, *operands, node.ints(list(steps)) if set(steps) != {1} else None)


def _bounds(
    node: NodeContext, x: OnnxValue, axis: int, start: int | None, end: int | None, step: int
) -> tuple[int, int]:
    """Return the bounds as ONNX has them, which clamps a start before the first position to it also going backwards."""
    extent = None if x.shape is None else x.shape[axis]
    if isinstance(extent, int):
        start, end, _ = slice(start, end, step).indices(extent)
        if step < 0 and start < 0:  # nothing is selected
            return 0, LAST
        return start, end if end >= 0 else FIRST
    if step < 0 and start is not None and start < -1:
        raise NeedsShape("what it selects depends on the size of the input")
    first, last = (0, LAST) if step > 0 else (LAST, FIRST)
    return first if start is None else start, last if end is None else end


@rule("slice")
def slice_(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if not node["axes"]:
        return x
    return sliced(node, x, node["axes"], node["starts"], node["ends"], node["steps"])


@rule("slice_assign")
def slice_assign(node: NodeContext, x: OnnxValue, value: OnnxValue) -> OnnxValue:
    axes = [node.axis(axis, x) for axis in node["axes"]]
    value = node.cast(value, x.dtype)
    return _assigned(node, x, value, list(zip(axes, node["starts"], node["ends"], node["steps"])))


def _assigned(
    node: NodeContext, x: OnnxValue, value: OnnxValue, items: list[tuple[int, int | None, int | None, int]]
) -> OnnxValue:
    """Cut the part along the first axis out, assign to it along the others, and put it back."""
    if not items:
        return value if value.rank == x.rank and value.shape == x.shape else _filled(node, x, value)
    axis, start, end, step = items[0]
    extent = None if x.shape is None else x.shape[axis]
    if not isinstance(extent, int):
        if (start or 0, end, step) == (0, None, 1):
            return _assigned(node, x, value, items[1:])
        raise NeedsShape("what it replaces depends on the size of the input")
    places = range(*slice(start, end, step).indices(extent))
    if not places:
        return x
    part = x if places == range(extent) else sliced(node, x, [axis], [start], [end], [step])
    part = _assigned(node, part, value, items[1:])
    if places == range(extent):
        return part
    if step == 1:
        before = sliced(node, x, [axis], [0], [places[0]]) if places[0] else None
        after = sliced(node, x, [axis], [places[-1] + 1], [None]) if places[-1] + 1 < extent else None
        return node.op("Concat", *filter(None, (before, part, after)), axis=axis)
    shape = [1] * node.rank(x)
    shape[axis] = len(places)
    index = node.reshape(node.ints(list(places)), shape)
    return node.op("ScatterElements", x, node.op("Expand", index, node.op("Shape", part)), part, axis=axis)


def _filled(node: NodeContext, like: OnnxValue, value: OnnxValue) -> OnnxValue:
    return node.op("Expand", value, node.vector(node.extents(like)))


@rule("slice_like")
def slice_like(node: NodeContext, x: OnnxValue, like: OnnxValue) -> OnnxValue:
    axes = list(range(node.rank(x))) if node["axes"] is None else [node.axis(axis, x) for axis in node["axes"]]
    ends = node.vector([node.extent(like, axis) for axis in axes])
    return node.op("Slice", x, node.ints([0] * len(axes)), ends, node.ints(axes))


@rule("crop")
def crop(node: NodeContext, x: OnnxValue, like: OnnxValue | None = None) -> OnnxValue:
    if node["size"] is not None:
        size = node.ints(list(node["size"]))
    elif like is None:
        raise Unsupported("it has neither a size nor an operand like")
    else:
        size = node.vector([node.extent(like, 2), node.extent(like, 3)])
    if node["offset"] is not None:
        start = node.ints(list(node["offset"]))
    else:
        whole = node.vector([node.extent(x, 2), node.extent(x, 3)])
        start = node.op("Div", node.op("Sub", whole, size), node.ints(2))
    return node.op("Slice", x, start, node.op("Add", start, size), node.ints([2, 3]))


@rule("image_crop")
def image_crop(node: NodeContext, x: OnnxValue) -> OnnxValue:
    starts = [node["y"], node["x"]]
    ends = [node["y"] + node["height"], node["x"] + node["width"]]
    return sliced(node, x, [node.axis(-3, x), node.axis(-2, x)], starts, ends)
