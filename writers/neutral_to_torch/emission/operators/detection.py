"""Boxes of detectors."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.rules import NodeView, Result, rule, unpack


@rule("box_iou")
def box_iou(node: NodeView, boxes: Symbol, other: Symbol) -> Symbol:
    return helper.box_iou(boxes, other, center=node["format"] == "center")


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
        "in_format",
        "out_format",
    )
    return helper.box_nms(boxes, **{name: node[name] for name in names})


@rule("box_decode")
def box_decode(node: NodeView, predictions: Symbol, anchors: Symbol) -> Symbol:
    center = node["format"] == "center"
    return helper.box_decode(predictions, anchors, node["std"], max_log=node["max_log"], center=center)


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
