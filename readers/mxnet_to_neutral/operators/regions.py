"""Rules for the regions of two-stage detectors.

MXNet's sources: src/operator/contrib/proposal.cc, multi_proposal.cc, psroi_pooling.cc, deformable_psroi_pooling.cc,
rroi_align.cc.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("_contrib_Proposal", "_contrib_MultiProposal")
def proposals(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_Proposal`` and ``_contrib_MultiProposal``: a region proposal network's boxes.

    ``Proposal`` is ``MultiProposal`` for a single image. MXNet gives the scores whatever ``output_score`` says.

    Returns:
        The boxes and their scores.

    Raises:
        Refusal: A ratio or a scale is not positive.
    """
    context.attributes.ignore("output_score")
    stride = context.attributes.int("feature_stride", 16)
    ratios = context.attributes.floats("ratios", (0.5, 1.0, 2.0))
    scales = context.attributes.floats("scales", (4.0, 8.0, 16.0, 32.0))
    if not all(number > 0 for number in (*ratios, *scales)):
        context.refuse(f"ratios {ratios} and scales {scales}, which are to be positive")
    top_k = context.attributes.int("rpn_pre_nms_top_n", 6000)
    value = context.node(
        "region_proposals",
        *(context.input(index) for index in range(3)),
        anchors=tuple(number for ratio in ratios for scale in scales for number in _anchor(stride, ratio, scale)),
        stride=stride,
        pre_top_k=top_k if top_k > 0 else None,
        count=context.attributes.int("rpn_post_nms_top_n", 300),
        overlap_threshold=context.attributes.float("threshold", 0.7),
        min_size=context.attributes.int("rpn_min_size", 16),
        corner_deltas=context.attributes.bool("iou_loss", False),
    )
    return [value, Value(value.node, 1)]


def _anchor(stride: int, ratio: float, scale: float) -> tuple[float, ...]:
    """Return an anchor's corners: the stride's square at a ratio, rounded to pixels and scaled, in float32."""
    import numpy as np

    single, half = np.float32, np.float32(0.5)
    width = np.floor(np.sqrt(np.floor(single(stride * stride) / single(ratio))) + half) * single(scale)
    height = np.floor(width / single(scale) * single(ratio) + half) * single(scale)
    center = single(0.5 * (stride - 1))
    x, y = half * (width - single(1)), half * (height - single(1))
    return tuple(float(number) for number in (center - x, center - y, center + x, center + y))


@rule("_contrib_PSROIPooling")
def position_sensitive_roi_pool(context: NodeContext) -> Operand:
    """Convert ``_contrib_PSROIPooling``: position-sensitive average pooling of regions of interest."""
    size = context.attributes.int("pooled_size")
    return context.node(
        "position_sensitive_roi_pool",
        context.input(0),
        context.input(1),
        output_channels=context.attributes.int("output_dim"),
        output_size=size,
        group_size=context.attributes.int("group_size", 0) or size,
        spatial_scale=context.attributes.float("spatial_scale"),
    )


@rule("_contrib_DeformablePSROIPooling")
def deformable_position_sensitive_roi_pool(context: NodeContext) -> Operand:
    """Convert ``_contrib_DeformablePSROIPooling``; without offsets ``trans_std`` and ``part_size`` have no effect."""
    size = context.attributes.int("pooled_size")
    without_offsets = context.attributes.bool("no_trans", False)
    return context.node(
        "deformable_position_sensitive_roi_pool",
        *(context.input(index) for index in range(2 if without_offsets else 3)),
        output_channels=context.attributes.int("output_dim"),
        output_size=size,
        group_size=context.attributes.int("group_size"),
        part_size=context.attributes.int("part_size", 0) or size,
        samples=context.attributes.int("sample_per_part", 1),
        spatial_scale=context.attributes.float("spatial_scale"),
        offset_scale=context.attributes.float("trans_std", 0.0),
    )


@rule("_contrib_RROIAlign")
def rotated_roi_align(context: NodeContext) -> Operand:
    """Convert ``_contrib_RROIAlign``: bilinear samples of rotated regions of interest, averaged."""
    return context.node(
        "rotated_roi_align",
        context.input(0),
        context.input(1),
        output_size=context.attributes.ints("pooled_size"),
        spatial_scale=context.attributes.float("spatial_scale"),
        samples=max(context.attributes.int("sampling_ratio", -1), 0),
    )
