"""Region proposals of object detectors."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import (
    arithmetic,
    best,
    coordinates,
    intersections,
    other_axis,
    positions,
    suppress,
    taken,
)
from neutral_to_onnx.registry import rule


@rule("region_proposals", single=True)
def region_proposals(
    node: NodeContext, scores: OnnxValue, deltas: OnnxValue, images: OnnxValue
) -> tuple[OnnxValue, OnnxValue]:
    count = len(node["anchors"]) // 4
    axes = node.ints([1])
    scores = node.op("Slice", scores, node.ints(count), node.ints(2 * count), axes)
    score = node.op("Transpose", scores, perm=[0, 2, 3, 1])
    height, width, scale = (
        node.op("Unsqueeze", part, node.ints([2, 3]))
        for part in node.ops("Split", [images], 3, axis=1, num_outputs=3 if node.opset >= 18 else None)
    )
    rows, columns = positions(node, score, 1), positions(node, score, 2)
    rows, columns = node.op("Unsqueeze", rows, node.ints([1, 2])), node.op("Unsqueeze", columns, node.ints([1]))
    box = _anchors(node, [columns, rows], score.dtype)
    moves = _moves(node, deltas, count)
    box = [node.op("Add", b, m) for b, m in zip(box, moves)] if node["corner_deltas"] else _moved(node, box, moves)
    for axis, side in enumerate((width, height, width, height)):
        inside = node.op("Max", box[axis], node.like(0, scores))
        box[axis] = node.op("Min", inside, arithmetic(node, "Sub", side, 1))
    outside = node.op("Or", _past(node, rows, height), _past(node, columns, width))
    score = node.op("Where", outside, node.like(-1, score), score)
    box, small = _extended(node, box, arithmetic(node, "Mul", scale, node["min_size"]))
    score = node.op("Where", small, node.like(-1, score), score)
    n = node.extent(score, 0)
    boxes = node.op("Concat", *(node.op("Unsqueeze", part, node.ints(4)) for part in box), axis=4)
    return _proposed(node, node.reshape(boxes, [n, -1, 4]), node.reshape(score, [n, -1]))


def _anchors(node: NodeContext, places: Sequence[OnnxValue], dtype: str) -> list[OnnxValue]:
    """Return the coordinates of the anchors at all positions, which broadcast to (rows, columns, anchors)."""
    base = np.array(node["anchors"]).reshape(-1, 4)
    shifts = [node.cast(arithmetic(node, "Mul", place, node["stride"]), dtype) for place in places]
    return [node.op("Add", shifts[axis % 2], node.constant(base[:, axis], dtype)) for axis in range(4)]


def _moves(node: NodeContext, deltas: OnnxValue, count: int) -> list[OnnxValue]:
    """Return the four deltas (N, rows, columns, anchors)."""
    n, _, rows, columns = node.extents(deltas)
    whole = node.op("Transpose", node.reshape(deltas, [n, count, 4, rows, columns]), perm=[2, 0, 3, 4, 1])
    parts = node.ops("Split", [whole], 4, axis=0, num_outputs=4 if node.opset >= 18 else None)
    return [node.op("Squeeze", part, node.ints(0)) for part in parts]


def _moved(node: NodeContext, box: Sequence[OnnxValue], moves: Sequence[OnnxValue]) -> list[OnnxValue]:
    """Return boxes of whole pixels moved and scaled by deltas."""
    low, high = [], []
    for axis in range(2):
        size = arithmetic(node, "Add", node.op("Sub", box[axis + 2], box[axis]), 1)
        middle = node.op("Add", node.op("Mul", moves[axis], size), box[axis])
        middle = node.op("Add", middle, arithmetic(node, "Div", arithmetic(node, "Sub", size, 1), 2))
        half = arithmetic(node, "Sub", node.op("Mul", node.op("Exp", moves[axis + 2]), size), 1)
        half = arithmetic(node, "Div", half, 2)
        low.append(node.op("Sub", middle, half))
        high.append(node.op("Add", middle, half))
    return [*low, *high]


def _past(node: NodeContext, places: OnnxValue, side: OnnxValue) -> OnnxValue:
    """Return whether positions are past the end of an image."""
    end = node.cast(arithmetic(node, "Div", side, node["stride"]), "int64")
    return node.op("GreaterOrEqual", places, end)


def _extended(node: NodeContext, box: Sequence[OnnxValue], least: OnnxValue) -> tuple[list[OnnxValue], OnnxValue]:
    """Return the boxes, with small ones extended, and which were small."""
    sides = [arithmetic(node, "Add", node.op("Sub", box[axis + 2], box[axis]), 1) for axis in range(2)]
    small = node.op("Or", *(node.op("Less", side, least) for side in sides))
    half = arithmetic(node, "Div", least, 2)
    moved = [node.op("Sub" if axis < 2 else "Add", part, half) for axis, part in enumerate(box)]
    return [node.op("Where", small, new, old) for new, old in zip(moved, box)], small


def _proposed(node: NodeContext, boxes: OnnxValue, scores: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    """Return the regions (N * count, 5) that remain after suppression, repeated up to the count, and their scores."""
    top, order = best(node, scores, node["pre_top_k"])
    top_boxes = taken(node, boxes, order)
    selected = _by_matrix(node, top_boxes) if node["corner_deltas"] else _by_operator(node, top_boxes)
    image = node.op("Gather", selected, node.constant(0, "int64"), axis=1)
    box = node.op("Gather", selected, node.constant(-1, "int64"), axis=1)
    numbers = node.op("Unsqueeze", positions(node, top, 0), node.ints(1))
    own = node.cast(node.op("Equal", numbers, node.op("Unsqueeze", image, node.ints(0))), "int64")
    kept = node.reduce("ReduceSum", own, [1], keepdims=True)
    start = node.op("CumSum", kept, node.constant(0, "int64"), exclusive=1)
    steps = node.constant(np.arange(node["count"]), "int64")
    turn = node.op("Mod", steps, node.op("Min", kept, node.constant(node["count"], "int64")))
    chosen = node.op("Gather", box, node.op("Add", start, turn), axis=0)  # (N, count)
    column = node.op("Expand", numbers, node.vector([node.extent(top, 0), node["count"]]))
    column = node.cast(node.op("Unsqueeze", column, node.ints(2)), boxes.dtype)
    regions = node.op("Concat", column, taken(node, top_boxes, chosen), axis=2)
    chosen_scores = node.op("GatherElements", top, chosen, axis=1)
    return node.reshape(regions, [-1, 5]), node.reshape(chosen_scores, [-1, 1])


def _by_operator(node: NodeContext, boxes: OnnxValue) -> OnnxValue:
    """Return the image and the position of each remaining box; extents are larger than the differences by 1."""
    x1, y1, x2, y2 = coordinates(node, boxes)
    whole = node.op("Concat", y1, x1, *(arithmetic(node, "Add", part, 1) for part in (y2, x2)), axis=2)
    extents = node.extents(boxes)
    last = node.op("Squeeze", node.vector([extents[1]]))
    ranks = node.op("Sub", last, positions(node, boxes, 1))  # as good as the scores, and no two are equal
    ranks = node.op("Expand", node.cast(ranks, "float32"), node.vector([extents[0], 1, extents[1]]))
    return node.op(
        "NonMaxSuppression",
        node.cast(whole, "float32"),
        ranks,
        node.constant([node["count"]], "int64"),
        node.constant([node["overlap_threshold"]], "float32"),
    )


def _by_matrix(node: NodeContext, boxes: OnnxValue) -> OnnxValue:
    """Return the same for boxes whose corners may be in the wrong order, of which the operator would make others."""
    box = coordinates(node, boxes)
    sides = [arithmetic(node, "Add", node.op("Sub", box[axis + 2], box[axis]), 1) for axis in range(2)]
    size = node.op("Mul", *sides)
    common = intersections(node, box, other_axis(node, box), extra=1)
    union = node.op("Sub", node.op("Add", size, node.op("Transpose", size, perm=[0, 2, 1])), common)
    large = arithmetic(node, "Greater", node.op("Div", common, union), node["overlap_threshold"])
    valid = node.op("Expand", node.constant(True, "bool"), node.vector(node.extents(boxes)[:2]))
    return node.op("Transpose", node.op("NonZero", suppress(node, valid, large)))
