"""Deformable convolution, as DeformConv, or by samples and a convolution of 1 x 1."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic, positions
from neutral_to_onnx.operators.sampling import bilinear, scalar
from neutral_to_onnx.registry import NeedsShape, rule


@rule("deformable_convolution", single=True)
def deformable_convolution(
    node: NodeContext, x: OnnxValue, offset: OnnxValue, mask: OnnxValue | None = None
) -> OnnxValue:
    if not node["modulated"] or node.opset < 19:  # only the second version surrounds the image by zeros
        return _by_samples(node, x, offset, mask)
    if not node.has("bias") and mask is not None:
        bias = node.like(np.zeros(node["out_channels"]), x)
    else:
        bias = node.tensor("bias")
    return node.op(
        "DeformConv",
        x,
        node.tensor("weight"),
        offset,
        bias,
        mask,
        kernel_shape=node["kernel_size"],
        strides=node["stride"],
        pads=node["padding"] * 2,
        dilations=node["dilation"],
        group=node["groups"],
        offset_group=node["deformable_groups"],
    )


def _by_samples(node: NodeContext, x: OnnxValue, offset: OnnxValue, mask: OnnxValue | None) -> OnnxValue:
    high, wide = node["kernel_size"]
    n, _, height, width = node.extents(x)
    rows, columns = node.extents(offset)[2:]
    group_channels = _group_channels(node, x)
    shifts = node.reshape(offset, [-1, high, wide, 2, rows, columns])
    moves = node.ops("Split", [shifts], 2, axis=3, num_outputs=2 if node.opset >= 18 else None)
    down, across = (node.op("Squeeze", part, node.ints(3)) for part in moves)
    y = node.op("Add", _places(node, offset, 0), down)
    x_places = node.op("Add", _places(node, offset, 1), across)
    images = node.reshape(x, [-1, group_channels, height, width])
    inside = _inside(node, y, scalar(node, height, y.dtype), x_places, scalar(node, width, y.dtype))
    if node["modulated"]:
        images = node.op("Pad", images, node.ints([0, 0, 1, 1, 0, 0, 1, 1]))
        y, x_places = arithmetic(node, "Add", y, 1), arithmetic(node, "Add", x_places, 1)
    number = node.op("Unsqueeze", positions(node, images, 0), node.ints([1, 2, 3, 4]))
    samples = bilinear(node, images, number, y, x_places)
    samples = node.op("Where", node.op("Unsqueeze", inside, node.ints([-1])), samples, node.like(0, samples))
    if mask is not None:
        samples = node.op("Mul", samples, node.reshape(mask, [-1, high, wide, rows, columns, 1]))
    columns_first = node.op("Transpose", samples, perm=[0, 5, 1, 2, 3, 4])
    taps = high * wide
    count = group_channels * node["deformable_groups"]
    weight = node.shaped_tensor("weight", (node["out_channels"], count // node["groups"] * taps, 1, 1))
    return node.op(
        "Conv",
        node.reshape(columns_first, [n, count * taps, rows, columns]),
        weight,
        node.optional("bias"),
        kernel_shape=[1, 1],
        group=node["groups"],
    )


def _group_channels(node: NodeContext, x: OnnxValue) -> int:
    """Return the number of input channels of a deformable group."""
    channels = node.extent(x, 1)
    per_group = node.tensor_shape("weight")[1]
    if isinstance(per_group, int):
        channels = per_group * int(node["groups"])
    if not isinstance(channels, int):
        raise NeedsShape("the number of its channels is unknown")
    return channels // int(node["deformable_groups"])


def _places(node: NodeContext, offset: OnnxValue, axis: int) -> OnnxValue:
    """Return the unshifted positions of an axis, (taps, 1, rows, 1) or (taps, 1, columns)."""
    taps = np.arange(node["kernel_size"][axis]) * node["dilation"][axis] - node["padding"][axis]
    steps = node.cast(positions(node, offset, 2 + axis), offset.dtype)
    starts = arithmetic(node, "Mul", steps, node["stride"][axis])
    if axis == 0:
        return node.op(
            "Add", node.op("Unsqueeze", starts, node.ints([1])), node.like(taps[:, None, None, None], offset)
        )
    return node.op("Add", starts, node.like(taps[:, None, None], offset))


def _inside(node: NodeContext, y: OnnxValue, height: OnnxValue, x: OnnxValue, width: OnnxValue) -> OnnxValue:
    """Return which samples are counted: those in the map, or, if modulated, within one pixel of it."""
    op_type, first = ("Greater", -1) if node["modulated"] else ("GreaterOrEqual", 0)
    conditions = [arithmetic(node, op_type, place, first) for place in (y, x)]
    conditions += [node.op("Less", place, end) for place, end in ((y, height), (x, width))]
    result = conditions[0]
    for condition in conditions[1:]:
        result = node.op("And", result, condition)
    return result
