"""Layouts of images: standard operators take (N, C, *spatial) alone."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext


def channels_first(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return the operand of a node with a ``layout`` as (N, C, *spatial).

    Args:
        node: The node.
        x: The operand.

    Returns:
        The value itself if that is its layout.
    """
    if node["layout"] != "channels_last":
        return x
    rank = _rank(node, x)
    return node.op("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def channels_last(node: NodeContext, y: OnnxValue) -> OnnxValue:
    """Return a result (N, C, *spatial) in the layout of the node.

    Args:
        node: The node.
        y: The result.

    Returns:
        The value itself if that is the layout.
    """
    if node["layout"] != "channels_last":
        return y
    rank = _rank(node, y)
    return node.op("Transpose", y, perm=[0, *range(2, rank), 1])


def _rank(node: NodeContext, value: OnnxValue) -> int:
    """Return the number of axes: of a node with a kernel, as the kernel has it."""
    return len(node["kernel_size"]) + 2 if "kernel_size" in node.node.attributes else node.rank(value)
