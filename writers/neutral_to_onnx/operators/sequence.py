"""Operators on batches of padded sequences."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import positions
from neutral_to_onnx.operators.shape import flipped
from neutral_to_onnx.registry import rule


@rule("sequence_mask")
def sequence_mask(node: NodeContext, x: OnnxValue, lengths: OnnxValue) -> OnnxValue:
    axis, rank = node["axis"], node.rank(x)
    steps = node.op("Unsqueeze", positions(node, x, axis), node.ints([1 - axis]))
    ends = node.op("Unsqueeze", node.cast(lengths, "int64"), node.ints([axis]))
    inside = node.op("Less", steps, ends)
    if rank > 2:
        inside = node.op("Unsqueeze", inside, node.ints(list(range(2, rank))))
    return node.op("Where", inside, x, node.like(node["value"], x))


@rule("sequence_last")
def sequence_last(node: NodeContext, x: OnnxValue, lengths: OnnxValue | None = None) -> OnnxValue:
    axis = node["axis"]
    if lengths is None:
        return node.op("Gather", x, node.constant(-1, "int64"), axis=axis)
    if axis == 0:
        x = node.op("Transpose", x, perm=[1, 0, *range(2, node.rank(x))])
    last = node.op("Sub", node.cast(lengths, "int64"), node.constant(1, "int64"))
    return node.op("GatherND", x, node.op("Unsqueeze", last, node.ints([1])), batch_dims=1)


@rule("sequence_reverse")
def sequence_reverse(node: NodeContext, x: OnnxValue, lengths: OnnxValue | None = None) -> OnnxValue:
    if lengths is None:
        return flipped(node, x, [0])
    return node.op("ReverseSequence", x, node.cast(lengths, "int64"), batch_axis=1, time_axis=0)
