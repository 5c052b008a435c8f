"""Convolutions."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.layouts import channels_first, channels_last
from neutral_to_onnx.registry import NeedsShape, rule


@rule("convolution")
def convolution(node: NodeContext, x: OnnxValue) -> OnnxValue:
    y = node.op(
        "Conv",
        channels_first(node, x),
        node.tensor("weight"),
        node.optional("bias"),
        kernel_shape=node["kernel_size"],
        strides=node["stride"],
        pads=node["padding"] * 2,
        dilations=node["dilation"],
        group=node["groups"],
    )
    return channels_last(node, y)


@rule("transposed_convolution")
def transposed_convolution(node: NodeContext, x: OnnxValue) -> OnnxValue:
    x = channels_first(node, x)
    before, after, extra = _padding(node, x)
    y = node.op(
        "ConvTranspose",
        x,
        node.tensor("weight"),
        node.optional("bias"),
        kernel_shape=node["kernel_size"],
        strides=node["stride"],
        pads=[*before, *after],
        output_padding=extra if any(extra) else None,
        dilations=node["dilation"],
        group=node["groups"],
    )
    return channels_last(node, y)


def _padding(node: NodeContext, x: OnnxValue) -> tuple[list[int], list[int], list[int]]:
    """Return the padding before and after each axis, and the output's padding."""
    padding, extra = list(node["padding"]), list(node["output_padding"])
    if node["output_size"] is not None:
        sizes = [node.extent(x, axis + 2) for axis in range(len(padding))]
        for axis, size in enumerate(sizes):
            if not isinstance(size, int):
                raise NeedsShape("output_size needs an input of known size")
            reach = node["dilation"][axis] * (node["kernel_size"][axis] - 1) + 1
            surplus = (size - 1) * node["stride"][axis] + reach - node["output_size"][axis]
            padding[axis], extra[axis] = (surplus + 1) // 2, surplus % 2
    return padding, padding, extra
