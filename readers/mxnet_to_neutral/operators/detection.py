"""Rules for detectors' boxes: src/operator/contrib/bounding_box-inl.h, multibox_prior.cc, multibox_detection.cc."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_FORMATS = ("corner", "center")


@rule("_contrib_box_iou")
def box_iou(context: NodeContext) -> Operand:
    """Convert ``_contrib_box_iou``: intersection over union of all pairs of boxes."""
    return context.node(
        "box_iou", context.input(0), context.input(1), format=context.attributes.str("format", "corner", _FORMATS)
    )


@rule("_contrib_box_nms")
def box_nms(context: NodeContext) -> Operand:
    """Convert ``_contrib_box_nms``: non-maximum suppression of boxes."""
    top_k, class_index = context.attributes.int("topk", -1), context.attributes.int("id_index", -1)
    return context.node(
        "box_nms",
        context.input(0),
        overlap_threshold=context.attributes.float("overlap_thresh", 0.5),
        valid_threshold=context.attributes.float("valid_thresh", 0.0),
        top_k=None if top_k < 0 else top_k,
        coord_start=context.attributes.int("coord_start", 2),
        score_index=context.attributes.int("score_index", 1),
        class_index=None if class_index < 0 else class_index,
        background=context.attributes.int("background_id", -1),
        across_classes=context.attributes.bool("force_suppress", False),
        in_format=context.attributes.str("in_format", "corner", _FORMATS),
        out_format=context.attributes.str("out_format", "corner", _FORMATS),
    )


@rule("_contrib_box_decode")
def box_decode(context: NodeContext) -> Operand:
    """Convert ``_contrib_box_decode``: boxes from anchors and offsets."""
    clip = context.attributes.float("clip", -1.0)
    return context.node(
        "box_decode",
        context.input(0),
        context.input(1),
        std=tuple(context.attributes.float(f"std{index}", 1.0) for index in range(4)),
        max_log=clip if clip > 0 else None,
        format=context.attributes.str("format", "center", _FORMATS),
    )


@rule("_contrib_box_encode")
def box_encode(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_box_encode``: offsets of matched boxes from anchors.

    Returns:
        The offsets and their masks.
    """
    value = context.node("box_encode", *(context.input(index) for index in range(6)))
    return [value, Value(value.node, 1)]


@rule("_contrib_bipartite_matching")
def bipartite_matching(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_bipartite_matching``: greedy matching of rows and columns of a score matrix.

    Returns:
        The matched column of each row, and the matched row of each column.
    """
    top_k = context.attributes.int("topk", -1)
    value = context.node(
        "bipartite_matching",
        context.input(0),
        smallest=context.attributes.bool("is_ascend", False),
        threshold=context.attributes.float("threshold"),
        limit=top_k + 1 if top_k > 0 else None,  # MXNet counts a pair before it compares the limit
    )
    return [value, Value(value.node, 1)]


@rule("_contrib_MultiBoxPrior")
def multibox_prior(context: NodeContext) -> Operand:
    """Convert ``_contrib_MultiBoxPrior``: SSD's anchors of a feature map.

    Raises:
        Refusal: Steps or offsets are not two numbers.
    """
    steps, offsets = context.attributes.floats("steps", (-1.0, -1.0)), context.attributes.floats("offsets", (0.5, 0.5))
    if (len(steps), len(offsets)) != (2, 2):
        context.refuse(f"steps {steps} and offsets {offsets}, expected 2 numbers each: of y and x")
    return context.node(
        "multibox_prior",
        context.input(0),
        sizes=context.attributes.floats("sizes", (1.0,)),
        ratios=context.attributes.floats("ratios", (1.0,)),
        steps=None if min(steps) <= 0 else steps,
        offsets=offsets,
        clip=context.attributes.bool("clip", False),
    )


@rule("_contrib_MultiBoxDetection")
def multibox_detection(context: NodeContext) -> Operand:
    """Convert ``_contrib_MultiBoxDetection``: SSD's decoding and non-maximum suppression.

    The background is class 0 for MXNet whatever ``background_id`` says.
    """
    context.attributes.ignore("background_id")
    top_k = context.attributes.int("nms_topk", -1)
    return context.node(
        "multibox_detection",
        *(context.input(index) for index in range(3)),
        threshold=context.attributes.float("threshold", 0.01),
        overlap_threshold=context.attributes.float("nms_threshold", 0.5),
        top_k=top_k if top_k > 0 else None,
        across_classes=context.attributes.bool("force_suppress", False),
        variances=context.attributes.floats("variances", (0.1, 0.1, 0.2, 0.2)),
        clip=context.attributes.bool("clip", True),
    )
