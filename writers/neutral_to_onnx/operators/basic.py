"""Values that are passed on, and stored tensors as values."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import Unsupported, rule


@rule("identity", "stop_gradient")
def identity(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return x


@rule("parameter")
def parameter(node: NodeContext) -> OnnxValue:
    return node.tensor("value")


@rule("dropout")
def dropout(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["always"]:
        raise Unsupported(
            "it draws random numbers outside of training (always), and a seed has no meaning across runtimes"
        )
    return x
