"""Regions of two-stage detectors."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, unpack
from neutral_to_torch.emission.lowering.rules import rule


@rule("region_proposals")
def region_proposals(node: NodeView, *inputs: Symbol) -> Result:
    numbers = node["anchors"]
    anchors = tuple(numbers[index : index + 4] for index in range(0, len(numbers), 4))
    names = ("stride", "pre_top_k", "count", "overlap_threshold", "min_size", "corner_deltas")
    return unpack(helper.region_proposals(*inputs, anchors, **{name: node[name] for name in names}), (0, 1))


@rule("position_sensitive_roi_pool")
def position_sensitive_roi_pool(node: NodeView, x: Symbol, regions: Symbol) -> Symbol:
    channels, size, groups = node["output_channels"], node["output_size"], node["group_size"]
    return helper.position_sensitive_roi_pool(x, regions, channels, size, groups, node["spatial_scale"])


@rule("deformable_position_sensitive_roi_pool")
def deformable_position_sensitive_roi_pool(
    node: NodeView, x: Symbol, regions: Symbol, offsets: Symbol | None = None
) -> Symbol:
    channels, size = node["output_channels"], node["output_size"]
    names = ("group_size", "part_size", "samples", "spatial_scale", "offset_scale")
    return helper.deformable_roi_pool(x, regions, offsets, channels, size, **{name: node[name] for name in names})


@rule("rotated_roi_align")
def rotated_roi_align(node: NodeView, x: Symbol, regions: Symbol) -> Symbol:
    size, scale = node["output_size"], node["spatial_scale"]
    return helper.rotated_roi_align(x, regions, size, scale, samples=node["samples"])
