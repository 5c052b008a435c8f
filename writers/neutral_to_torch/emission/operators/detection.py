"""Boxes of detectors."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule


@rule("box_iou")
def box_iou(node: NodeView, boxes: Symbol, other: Symbol) -> Symbol:
    function = helper.box_iou_of_centers if node["format"] == "center" else helper.box_iou
    return function(boxes, other)


@rule("box_nms")
def box_nms(node: NodeView, boxes: Symbol) -> Symbol:
    if node["top_k"] == 0:
        return boxes
    names = (
        "overlap_threshold",
        "valid_threshold",
        "top_k",
        "coord_start",
        "score_index",
        "class_index",
        "background",
        "across_classes",
    )
    center = node["in_format"] == "center"
    kept = helper.box_nms(boxes, **{name: node[name] for name in names}, center=center)
    if node["in_format"] == node["out_format"]:
        return kept
    convert = helper.rows_with_corners if center else helper.rows_with_centers
    return convert(kept, coord_start=node["coord_start"])


@rule("box_decode")
def box_decode(node: NodeView, predictions: Symbol, anchors: Symbol) -> Symbol:
    if node["format"] != "center":
        anchors = helper.centers(anchors)
    return helper.box_decode(predictions, anchors, std=node["std"], max_log=node["max_log"])


@rule("box_encode")
def box_encode(node: NodeView, *inputs: Symbol) -> Result:
    return unpack(helper.box_encode(*inputs), (0, 1))


@rule("bipartite_matching")
def bipartite_matching(node: NodeView, scores: Symbol) -> Result:
    options = {"smallest": node["smallest"], "limit": node["limit"]}
    return unpack(helper.bipartite_matching(scores, node["threshold"], **options), (0, 1))


@rule("multibox_prior")
def multibox_prior(node: NodeView, x: Symbol) -> Symbol:
    options = {name: node[name] for name in ("steps", "offsets", "clip")}
    return helper.multibox_prior(x, node["sizes"], node["ratios"], **options)


@rule("multibox_detection")
def multibox_detection(node: NodeView, *inputs: Symbol) -> Symbol:
    names = ("threshold", "overlap_threshold", "top_k", "across_classes", "variances", "clip")
    return helper.multibox_detection(*inputs, **{name: node[name] for name in names})


@rule("class_rows", rank=lambda node: node.changed(1))
def class_rows(node: NodeView, *parts: Symbol) -> Symbol:
    """Write rows of all classes at once, (N, classes, boxes, elements)."""
    classes, axis, joined = node["classes"], node["axis"], node["joined"]
    inserted = axis if axis < 0 else axis + 1
    expanded = []
    for part, sliced in zip(parts, node["sliced"]):
        if sliced:
            index = (..., slice(classes)) if axis < 0 else (slice(None), slice(None), slice(classes))
            expanded.append(part[index].movedim(axis, 1).unsqueeze(inserted))
        else:
            expanded.append(part.unsqueeze(1).repeat_interleave(classes, 1))
    return torch.cat(expanded, dim=joined if joined < 0 else joined + 1)
