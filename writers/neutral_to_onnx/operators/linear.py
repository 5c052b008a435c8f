"""Linear layers and embeddings."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


@rule("linear")
def linear(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["flatten"] or x.rank == 2:
        matrix = x if x.rank == 2 else node.op("Flatten", x, axis=1)
        return node.op("Gemm", matrix, node.tensor("weight"), node.optional("bias"), transB=1)
    y = node.op("MatMul", x, node.transposed_tensor("weight"))
    return node.op("Add", y, node.tensor("bias")) if node.has("bias") else y


@rule("embedding")
def embedding(node: NodeContext, index: OnnxValue) -> OnnxValue:
    last = max(node["num_embeddings"] - 1, 0)
    clamped = node.op("Clip", node.cast(index, "int64"), node.constant(0, "int64"), node.constant(last, "int64"))
    return node.op("Gather", node.tensor("weight"), clamped, axis=0)
