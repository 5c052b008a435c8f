"""Boxes of detectors: src/operator/contrib/bounding_box-inl.h, multibox_prior.cc, multibox_detection.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_FORMATS = ("corner", "center")


@rule("_contrib_box_iou")
def box_iou(op: Op) -> Operand:
    return op.node("box_iou", op.input(0), op.input(1), format=op.attributes.str("format", "corner", _FORMATS))


@rule("_contrib_box_nms")
def box_nms(op: Op) -> Operand:
    top_k, class_index = op.attributes.int("topk", -1), op.attributes.int("id_index", -1)
    return op.node(
        "box_nms",
        op.input(0),
        overlap_threshold=op.attributes.float("overlap_thresh", 0.5),
        valid_threshold=op.attributes.float("valid_thresh", 0.0),
        top_k=None if top_k < 0 else top_k,
        coord_start=op.attributes.int("coord_start", 2, minimum=0),
        score_index=op.attributes.int("score_index", 1, minimum=0),
        class_index=None if class_index < 0 else class_index,
        background=op.attributes.int("background_id", -1),
        across_classes=op.attributes.bool("force_suppress", False),
        in_format=op.attributes.str("in_format", "corner", _FORMATS),
        out_format=op.attributes.str("out_format", "corner", _FORMATS),
    )


@rule("_contrib_box_decode")
def box_decode(op: Op) -> Operand:
    clip = op.attributes.float("clip", -1.0)
    return op.node(
        "box_decode",
        op.input(0),
        op.input(1),
        std=tuple(op.attributes.float(f"std{index}", 1.0) for index in range(4)),
        max_log=clip if clip > 0 else None,
        format=op.attributes.str("format", "center", _FORMATS),
    )


@rule("_contrib_box_encode")
def box_encode(op: Op) -> Sequence[Operand]:
    value = op.node("box_encode", *(op.input(index) for index in range(6)))
    return [value, Value(value.node, 1)]


@rule("_contrib_bipartite_matching")
def bipartite_matching(op: Op) -> Sequence[Operand]:
    top_k = op.attributes.int("topk", -1)
    value = op.node(
        "bipartite_matching",
        op.input(0),
        smallest=op.attributes.bool("is_ascend", False),
        threshold=op.attributes.float("threshold"),
        limit=top_k + 1 if top_k > 0 else None,  # it counts the pair before it compares
    )
    return [value, Value(value.node, 1)]


@rule("_contrib_MultiBoxPrior")
def multibox_prior(op: Op) -> Operand:
    steps = op.attributes.floats("steps", (-1.0, -1.0))
    return op.node(
        "multibox_prior",
        op.input(0),
        sizes=op.attributes.floats("sizes", (1.0,)),
        ratios=op.attributes.floats("ratios", (1.0,)),
        steps=None if min(steps) <= 0 else steps,
        offsets=op.attributes.floats("offsets", (0.5, 0.5)),
        clip=op.attributes.bool("clip", False),
    )


@rule("_contrib_MultiBoxDetection")
def multibox_detection(op: Op) -> Operand:
    """MXNet's background is class 0 whatever ``background_id`` says."""
    op.attributes.ignore("background_id")
    top_k = op.attributes.int("nms_topk", -1)
    return op.node(
        "multibox_detection",
        *(op.input(index) for index in range(3)),
        threshold=op.attributes.float("threshold", 0.01),
        overlap_threshold=op.attributes.float("nms_threshold", 0.5),
        top_k=top_k if top_k > 0 else None,
        across_classes=op.attributes.bool("force_suppress", False),
        variances=op.attributes.floats("variances", (0.1, 0.1, 0.2, 0.2)),
        clip=op.attributes.bool("clip", True),
    )
