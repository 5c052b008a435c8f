"""Operators that join, split, repeat and pad tensors."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


@rule("concatenate")
def concatenate(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    values = node.promoted(*inputs)
    return values[0] if len(values) == 1 else node.op("Concat", *values, axis=node["axis"])


@rule("stack")
def stack(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    values = [node.op("Unsqueeze", value, node.ints(node["axis"])) for value in node.promoted(*inputs)]
    return values[0] if len(values) == 1 else node.op("Concat", *values, axis=node["axis"])
