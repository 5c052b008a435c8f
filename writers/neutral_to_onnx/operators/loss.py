"""Losses."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import refuse, rule

refuse("no standard operator computes this loss", "ctc_loss")


@rule("softmax_cross_entropy", single=True)
def softmax_cross_entropy(node: NodeContext, x: OnnxValue, label: OnnxValue) -> OnnxValue:
    rows = node.op("Unsqueeze", node.cast(label, "int64"), node.ints(1))
    chosen = node.op("GatherElements", node.op("Softmax", x, axis=1), rows, axis=1)
    logarithms = node.op("Log", node.op("Max", chosen, node.like(1e-8, x)))
    return node.reshape(node.op("Neg", node.op("ReduceSum", logarithms, keepdims=0)), [1])
