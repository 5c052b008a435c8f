"""Preprocessing of images inside a graph."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


@rule("image_to_tensor")
def image_to_tensor(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank = node.rank(x)
    scaled = node.op("Div", node.cast(x, "float32"), node.constant(255, "float32"))
    return node.op("Transpose", scaled, perm=[*range(rank - 3), rank - 1, rank - 3, rank - 2])


@rule("image_normalize", single=True)
def image_normalize(node: NodeContext, x: OnnxValue) -> OnnxValue:
    mean, deviation = (node.like(np.reshape(node[name], (-1, 1, 1)), x) for name in ("mean", "std"))
    return node.op("Div", node.op("Sub", x, mean), deviation)
