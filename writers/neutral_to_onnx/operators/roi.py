"""Pooling over the bins of regions, as MaxRoiPool and RoiAlign."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic
from neutral_to_onnx.registry import rule


def _with_images(node: NodeContext, regions: OnnxValue, count: OnnxValue | None = None) -> tuple[OnnxValue, OnnxValue]:
    """Return the number of each region's image, 0 where it does not exist, and whether it does (regions, 1, 1, 1)."""
    given = node.op("Gather", regions, node.constant(0, "int64"), axis=1)
    number = node.cast(given, "int64")
    exists = arithmetic(node, "GreaterOrEqual", given if count is None else number, 0)
    if count is not None:
        exists = node.op("And", exists, node.op("Less", number, count))
    number = node.op("Where", exists, number, node.constant(0, "int64"))
    return number, node.op("Unsqueeze", exists, node.ints([1, 2, 3]))


def _corners(node: NodeContext, regions: OnnxValue) -> OnnxValue:
    return node.op("Slice", regions, node.ints(1), node.ints(5), node.ints(1))


@rule("roi_pool", single=True)
def roi_pool(node: NodeContext, x: OnnxValue, regions: OnnxValue) -> OnnxValue:
    count = node.vector([node.extent(x, 0)])
    number, exists = _with_images(node, regions, count)
    column = node.cast(node.op("Unsqueeze", number, node.ints(1)), x.dtype)
    regions = node.op("Concat", column, node.cast(_corners(node, regions), x.dtype), axis=1)
    y = node.op("MaxRoiPool", x, regions, pooled_shape=node["output_size"], spatial_scale=float(node["spatial_scale"]))
    return node.op("Where", exists, y, node.like(0, y))


@rule("roi_align", single=True)
def roi_align(node: NodeContext, x: OnnxValue, regions: OnnxValue) -> OnnxValue:
    rows, columns = node["output_size"]
    number, exists = _with_images(node, regions)
    y = node.op(
        "RoiAlign",
        x,
        node.cast(_corners(node, regions), x.dtype),
        number,
        mode="avg",
        output_height=rows,
        output_width=columns,
        sampling_ratio=node["samples"],
        spatial_scale=float(node["spatial_scale"]),
        coordinate_transformation_mode="half_pixel" if node["aligned"] else "output_half_pixel",
    )
    if node["position_sensitive"] and rows * columns > 1:
        bins = rows * columns
        y = node.op("Einsum", node.reshape(y, [node.extent(y, 0), -1, bins, bins]), equation="rckk->rck")
        y = node.reshape(y, [node.extent(y, 0), node.extent(y, 1), rows, columns])
    return node.op("Where", exists, y, node.like(0, y))
