"""Detections: overlaps, suppression, coding of boxes, matching."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.bodies import finished
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import (
    Box,
    areas,
    arithmetic,
    best,
    coordinates,
    divided,
    intersections,
    other_axis,
    overlaps,
    positions,
    suppress,
    taken,
    to_centers,
    to_corners,
)
from neutral_to_onnx.registry import rule


@rule("box_iou", single=True)
def box_iou(node: NodeContext, x: OnnxValue, other: OnnxValue) -> OnnxValue:
    first = coordinates(node, node.reshape(x, [-1, 4]))
    second = [node.op("Transpose", part) for part in coordinates(node, node.reshape(other, [-1, 4]))]
    result = overlaps(node, first, second, node["format"])
    return node.reshape(result, [*node.extents(x)[:-1], *node.extents(other)[:-1]])


def _column(node: NodeContext, rows: OnnxValue, position: int) -> OnnxValue:
    """Return an element (N, rows) of each row (N, rows, elements)."""
    return node.op("Gather", rows, node.constant(position, "int64"), axis=-1)


def _part(node: NodeContext, x: OnnxValue, start: int, end: int) -> OnnxValue:
    return node.op("Slice", x, node.ints(start), node.ints(end), node.ints(-1))


@rule("box_nms", single=True)
def box_nms(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["top_k"] == 0:
        return x
    extents = node.extents(x)
    rows = x if len(extents) == 3 else node.reshape(x, [-1, *extents[-2:]])
    scores = _column(node, rows, node["score_index"])
    valid = arithmetic(node, "Greater", scores, node["valid_threshold"])
    if node["class_index"] is not None:
        classes = node.cast(_column(node, rows, node["class_index"]), "int64")
        foreground = node.op("Not", node.op("Equal", classes, node.constant(node["background"], "int64")))
        valid = node.op("And", valid, foreground)
    best_scores, order = best(node, node.op("Where", valid, scores, node.like(-np.inf, scores)), node["top_k"])
    sorted_rows = taken(node, rows, order)
    valid = arithmetic(node, "Greater", best_scores, -np.inf)
    removes = _removes(node, sorted_rows)
    kept = suppress(node, valid, removes)
    _, order = best(node, node.cast(kept, "float32"), None)
    result = _converted(node, taken(node, sorted_rows, order))
    remains = node.op("Unsqueeze", taken(node, kept, order), node.ints(2))
    result = node.op("Where", remains, result, node.like(-1, result))
    missing = node.op("Sub", node.vector([node.extent(rows, 1)]), node.vector([node.extent(result, 1)]))
    if missing.array is None or missing.array.any():
        pads = node.vector([0, 0, 0, 0, missing, 0])
        result = node.op("Pad", result, pads, node.like(-1, result))
    result = node.builder.with_shape(result, rows.shape)
    return result if len(extents) == 3 else node.reshape(result, extents)


def _removes(node: NodeContext, rows: OnnxValue) -> OnnxValue:
    """Return whether a box overlaps another one too much, and has its class."""
    start = node["coord_start"]
    first = coordinates(node, _part(node, rows, start, start + 4))
    overlap = overlaps(node, first, other_axis(node, first), node["in_format"])
    large = arithmetic(node, "Greater", overlap, node["overlap_threshold"])
    if node["across_classes"] or node["class_index"] is None:
        return large
    classes = node.cast(_part(node, rows, node["class_index"], node["class_index"] + 1), "int64")
    return node.op("And", large, node.op("Equal", classes, node.op("Transpose", classes, perm=[0, 2, 1])))


def _converted(node: NodeContext, rows: OnnxValue) -> OnnxValue:
    """Return rows with boxes in the output's format, except boxes whose first element is negative."""
    source, target, start = node["in_format"], node["out_format"], node["coord_start"]
    if source == target:
        return rows
    boxes = _part(node, rows, start, start + 4)
    box = coordinates(node, boxes)
    convert = to_corners if target == "corner" else to_centers
    changed = node.op("Concat", *convert(node, box, source), axis=-1)
    changed = node.op("Where", arithmetic(node, "Less", box[0], 0), boxes, changed)
    before = [_part(node, rows, 0, start)] if start else []
    return node.op("Concat", *before, changed, _part(node, rows, start + 4, 2**31), axis=-1)


def _decoded(
    node: NodeContext, predictions: OnnxValue, anchors: Box, std: Sequence[float], max_log: float | None
) -> list[OnnxValue]:
    """Return the corners (N, boxes, 1) of predictions (N, boxes, 4) relative to center anchors."""
    moves = [arithmetic(node, "Mul", part, factor) for part, factor in zip(coordinates(node, predictions), std)]
    middles = [node.op("Add", node.op("Mul", moves[axis], anchors[axis + 2]), anchors[axis]) for axis in range(2)]
    if max_log is not None:
        moves = [arithmetic(node, "Min", move, max_log) for move in moves]
    halves = [arithmetic(node, "Div", node.op("Mul", node.op("Exp", moves[axis]), anchors[axis]), 2) for axis in (2, 3)]
    return [node.op(op_type, middles[axis], halves[axis]) for op_type in ("Sub", "Add") for axis in range(2)]


@rule("box_decode", single=True)
def box_decode(node: NodeContext, x: OnnxValue, anchors: OnnxValue) -> OnnxValue:
    centers = to_centers(node, coordinates(node, anchors), node["format"])
    return node.op("Concat", *_decoded(node, x, centers, node["std"], node["max_log"]), axis=-1)


@rule("box_encode", single=True)
def box_encode(
    node: NodeContext,
    samples: OnnxValue,
    matches: OnnxValue,
    anchors: OnnxValue,
    references: OnnxValue,
    mean: OnnxValue,
    std: OnnxValue,
) -> tuple[OnnxValue, OnnxValue]:
    chosen = taken(node, references, node.cast(matches, "int64"))
    anchor, box = (to_centers(node, coordinates(node, boxes), "corner") for boxes in (anchors, chosen))
    moves = [node.op("Div", node.op("Sub", box[axis], anchor[axis]), anchor[axis + 2]) for axis in range(2)]
    logarithms = [node.op("Log", node.op("Div", box[axis], anchor[axis])) for axis in (2, 3)]
    targets = node.op("Concat", *moves, *logarithms, axis=-1)
    targets = node.op("Div", node.op("Sub", targets, mean), std)
    sampled = node.op("Unsqueeze", arithmetic(node, "Greater", samples, 0.5), node.ints(2))
    mask = node.op("Expand", sampled, node.op("Shape", targets))
    return node.op("Where", mask, targets, node.like(0, targets)), node.cast(mask, targets.dtype)


@rule("multibox_detection", single=True)
def multibox_detection(
    node: NodeContext, probabilities: OnnxValue, predictions: OnnxValue, anchors: OnnxValue
) -> OnnxValue:
    n, _, count = node.extents(probabilities)
    centers = to_centers(node, coordinates(node, anchors), "corner")
    box = _decoded(node, node.reshape(predictions, [n, count, 4]), centers, node["variances"], None)
    if node["clip"]:
        box = [node.op("Clip", part, node.like(0, part), node.like(1, part)) for part in box]
    foreground = node.op("Slice", probabilities, node.ints(1), node.ints(2**31), node.ints(1))
    classes = node.cast(node.op("ArgMax", foreground, axis=1, keepdims=0), probabilities.dtype)
    scores = node.reduce("ReduceMax", foreground, [1], keepdims=False)
    columns = [node.op("Unsqueeze", part, node.ints(2)) for part in (classes, scores)]
    rows = node.op("Concat", *columns, *box, axis=-1)
    above, enough = (
        arithmetic(node, "Greater", scores, -1),
        arithmetic(node, "GreaterOrEqual", scores, node["threshold"]),
    )
    valid = node.op("And", above, enough)
    taking_part, order = best(node, node.cast(valid, "float32"), None)
    rows, valid = taken(node, rows, order), node.cast(taking_part, "bool")
    if 0 < node["overlap_threshold"] <= 1:
        rows, valid = _suppressed(node, rows, valid)
    return node.op("Where", node.op("Unsqueeze", valid, node.ints(2)), rows, node.like(-1, rows))


def _suppressed(node: NodeContext, rows: OnnxValue, valid: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    """Sort the top rows by score, and set the class of all that are suppressed to -1; return which rows take part."""
    scores = _column(node, rows, 1)
    best_scores, order = best(node, node.op("Where", valid, scores, node.like(-np.inf, scores)), node["top_k"])
    top, top_valid = taken(node, rows, order), arithmetic(node, "Greater", best_scores, -np.inf)
    first = coordinates(node, _part(node, top, 2, 6))
    large = arithmetic(node, "GreaterOrEqual", _multibox_overlaps(node, first), node["overlap_threshold"])
    if not node["across_classes"]:
        classes = _part(node, top, 0, 1)
        large = node.op("And", large, node.op("Equal", classes, node.op("Transpose", classes, perm=[0, 2, 1])))
    kept = node.op("Unsqueeze", suppress(node, top_valid, large), node.ints(2))
    top = _with_class(node, top, node.op("Where", kept, _part(node, top, 0, 1), node.like(-1, top)))
    if node["top_k"] is None:
        return top, top_valid
    start, end, axis = node.ints(node["top_k"]), node.ints(2**31), node.ints(1)
    rest = node.op("Slice", rows, start, end, axis)
    removed = node.op("Expand", node.like(-1, rest), node.vector([*node.extents(rest)[:2], 1]))
    rest = _with_class(node, rest, removed)
    rest_valid = node.op("Slice", valid, start, end, axis)
    return node.op("Concat", top, rest, axis=1), node.op("Concat", top_valid, rest_valid, axis=1)


def _with_class(node: NodeContext, rows: OnnxValue, classes: OnnxValue) -> OnnxValue:
    return node.op("Concat", classes, _part(node, rows, 1, 6), axis=-1)


def _multibox_overlaps(node: NodeContext, box: Box) -> OnnxValue:
    others = other_axis(node, box)
    common = intersections(node, box, others)
    total = node.op("Add", areas(node, box, "corner"), areas(node, others, "corner"))
    union = node.op("Sub", total, common)
    return divided(node, common, union, union)


@rule("multibox_prior")
def multibox_prior(node: NodeContext, x: OnnxValue) -> OnnxValue:
    height, width = node.extent(x, 2), node.extent(x, 3)
    shapes = [(size, node["ratios"][0]) for size in node["sizes"]]
    shapes += [(node["sizes"][0], ratio) for ratio in node["ratios"][1:]]
    if not isinstance(height, Extent) and not isinstance(width, Extent):
        return node.like(_static_prior(node, height, width, shapes), x)
    return node.cast(_dynamic_prior(node, [height, width], shapes), x.dtype)


def _static_prior(node: NodeContext, height: int, width: int, shapes: Sequence[tuple[float, float]]) -> Any:
    down, across = node["steps"] or (1 / height, 1 / width)
    sizes = np.array([(s * height / width * math.sqrt(r) / 2, s / math.sqrt(r) / 2) for s, r in shapes])
    y = (np.arange(height)[:, None, None] + node["offsets"][0]) * down
    x = (np.arange(width)[:, None] + node["offsets"][1]) * across
    parts = np.broadcast_arrays(x - sizes[:, 0], y - sizes[:, 1], x + sizes[:, 0], y + sizes[:, 1])
    boxes = np.stack(parts, -1).reshape(1, -1, 4)
    return np.clip(boxes, 0, 1) if node["clip"] else boxes


def _dynamic_prior(
    node: NodeContext, extents: Sequence[int | Extent], shapes: Sequence[tuple[float, float]]
) -> OnnxValue:
    """Return the boxes in float64, computed from the extents of the map when the network runs."""
    height, width = (node.cast(node.op("Squeeze", node.vector([extent])), "float64") for extent in extents)
    one, zero = node.constant(1.0, "float64"), node.constant(0.0, "float64")
    centres = []
    for extent, step, offset in zip((height, width), node["steps"] or (None, None), node["offsets"]):
        places = node.op("Add", node.op("Range", zero, extent, one), node.constant(offset, "float64"))
        centres.append(
            node.op("Mul", places, node.op("Div", one, extent) if step is None else node.constant(step, "float64"))
        )
    y = node.op("Unsqueeze", centres[0], node.ints([1, 2]))
    x = node.op("Unsqueeze", centres[1], node.ints([1]))
    relative = node.op("Div", height, width)
    half_width = node.op("Mul", relative, node.constant([s * math.sqrt(r) / 2 for s, r in shapes], "float64"))
    half_height = node.constant([s / math.sqrt(r) / 2 for s, r in shapes], "float64")
    flat = node.op("Mul", node.op("Add", y, x), zero)
    parts = []
    for op_type in ("Sub", "Add"):
        for centre, half in ((x, half_width), (y, half_height)):
            whole = node.op("Add", node.op(op_type, centre, half), flat)
            parts.append(node.op("Unsqueeze", whole, node.ints(3)))
    boxes = node.reshape(node.op("Concat", *parts, axis=3), [1, -1, 4])
    return node.op("Clip", boxes, zero, one) if node["clip"] else boxes


@rule("bipartite_matching", single=True)
def bipartite_matching(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    *batch, rows, columns = node.extents(x)
    scores = node.op("Neg", x) if node["smallest"] else x
    threshold = -node["threshold"] if node["smallest"] else node["threshold"]
    scores = scores if len(batch) == 1 else node.reshape(scores, [-1, rows, columns])
    least = node.op("Min", node.vector([rows]), node.vector([columns]))
    limit = least if node["limit"] is None else node.op("Min", least, node.ints(node["limit"]))
    column_of, row_of = (
        node.op("Expand", node.like(-1, x), node.vector([node.extent(scores, 0), extent])) for extent in (rows, columns)
    )
    last = _matched(node, scores, limit, threshold, [column_of, row_of])
    shaped = last if len(batch) == 1 else [node.reshape(v, [*batch, e]) for v, e in zip(last, (rows, columns))]
    return shaped[0], shaped[1]


def _matched(
    node: NodeContext, scores: OnnxValue, limit: OnnxValue, threshold: float, start: list[OnnxValue]
) -> list[OnnxValue]:
    """Pair the row and column of the best score, remove both, and repeat."""
    builder = node.builder.subgraph()
    body = node.inside(builder)
    step, again = (builder.input(f"{node.name}/{n}", d, ()) for n, d in (("step", "int64"), ("again", "bool")))
    states = [scores, *start]
    left, column_of, row_of = inputs = [
        builder.input(f"{node.name}/{name}", value.dtype, value.shape)
        for name, value in zip(("scores", "columns", "rows"), states)
    ]
    width = body.extent(scores, 2)
    flat = body.op("Flatten", left, axis=1)
    place = body.op("ArgMax", flat, axis=1, keepdims=1)
    better = body.op("Greater", body.op("GatherElements", flat, place, axis=1), body.like(threshold, flat))
    divisor = body.vector([width])
    row = body.op("Div", place, divisor)
    column = body.op("Sub", place, body.op("Mul", row, divisor))
    row_hit, column_hit = (
        body.op("And", better, body.op("Equal", positions(body, value, 1), number))
        for value, number in ((column_of, row), (row_of, column))
    )
    column_of = body.op("Where", row_hit, body.cast(column, scores.dtype), column_of)
    row_of = body.op("Where", column_hit, body.cast(row, scores.dtype), row_of)
    gone = body.op("Or", body.op("Unsqueeze", row_hit, body.ints(2)), body.op("Unsqueeze", column_hit, body.ints(1)))
    left = body.op("Where", gone, body.like(-np.inf, left), left)
    any_better = body.reduce("ReduceMax", body.cast(better, "int32"), None, keepdims=False)
    outputs = [body.cast(any_better, "bool"), left, column_of, row_of]
    graph = finished(body, "body", [step, again, *inputs], outputs)
    types = [(value.dtype, value.shape) for value in states]
    return node.ops("Loop", [limit, node.constant(True, "bool"), *states], 3, types, body=graph)[1:]
