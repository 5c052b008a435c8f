"""Activation functions, with and without weights."""

from __future__ import annotations

import math

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


@rule("relu")
def relu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Relu", x) if x.is_floating else node.op("Max", x, node.like(0, x))


@rule("sigmoid", floating=True)
def sigmoid(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Sigmoid", x)


@rule("log_sigmoid", single=True, floating=True)
def log_sigmoid(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Neg", node.op("Softplus", node.op("Neg", x)))


@rule("tanh", floating=True)
def tanh(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Tanh", x)


@rule("softplus", floating=True)
def softplus(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Softplus", x)


@rule("softsign", floating=True)
def softsign(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Softsign", x)


@rule("selu", floating=True)
def selu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Selu", x, alpha=1.6732632423543772, gamma=1.0507009873554805)


@rule("gelu", single=True, floating=True)
def gelu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node.opset >= 20:
        return node.op("Gelu", x)
    error = node.op("Erf", node.op("Div", x, node.like(math.sqrt(2), x)))
    return node.op("Mul", node.op("Mul", x, node.op("Add", error, node.like(1, x))), node.like(0.5, x))


@rule("gelu_tanh", single=True, floating=True)
def gelu_tanh(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node.opset >= 20:
        return node.op("Gelu", x, approximate="tanh")
    cube = node.op("Mul", node.op("Mul", x, x), x)
    inner = node.op("Add", x, node.op("Mul", cube, node.like(0.044715, x)))
    bend = node.op("Tanh", node.op("Mul", inner, node.like(math.sqrt(2 / math.pi), x)))
    return node.op("Mul", node.op("Mul", x, node.op("Add", bend, node.like(1, x))), node.like(0.5, x))


@rule("mish", single=True, floating=True)
def mish(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node.opset >= 18:
        return node.op("Mish", x)
    return node.op("Mul", x, node.op("Tanh", node.op("Softplus", x)))


@rule("hard_sigmoid", single=True, floating=True)
def hard_sigmoid(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("HardSigmoid", x, alpha=float(node["alpha"]), beta=float(node["beta"]))


@rule("leaky_relu", single=True)
def leaky_relu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("LeakyRelu", x, alpha=float(node["negative_slope"]))


@rule("elu", single=True)
def elu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Elu", x, alpha=float(node["alpha"]))


@rule("prelu", single=True)
def prelu(node: NodeContext, x: OnnxValue) -> OnnxValue:
    extents = node.tensor_shape("weight")
    sizes = [size for size in extents if isinstance(size, int)]
    count = math.prod(sizes) if len(sizes) == len(extents) else -1  # ONNX infers that of a computed weight
    rank = node.rank(x)
    shape = (count, *[1] * max(rank - 2, 0))
    return node.op("PRelu", x, node.shaped_tensor("weight", shape))


@rule("softmax")
def softmax(node: NodeContext, x: OnnxValue, length: OnnxValue | None = None) -> OnnxValue:
    if length is None:
        return node.op("Softmax", x, axis=node["axis"])
    axis = node.axis(node["axis"], x)
    positions = node.op("Range", node.constant(0, "int64"), _scalar(node, x, axis), node.constant(1, "int64"))
    positions = node.reshape(positions, [-1, *[1] * (node.rank(x) - 1 - axis)])
    ends = node.op("Unsqueeze", node.cast(length, "int64"), node.ints(axis))
    return _masked(node, x, node.op("Less", positions, ends), "Softmax", axis, 0)


def _scalar(node: NodeContext, x: OnnxValue, axis: int) -> OnnxValue:
    extent = node.extent(x, axis)
    if isinstance(extent, int):
        return node.constant(extent, "int64")
    return node.op("Squeeze", node.vector([extent]), node.ints(0))


def _masked(node: NodeContext, x: OnnxValue, mask: OnnxValue, op_type: str, axis: int, fill: float) -> OnnxValue:
    inside = node.op("Where", mask, x, node.like(-np.inf, x))
    return node.op("Where", mask, node.op(op_type, inside, axis=axis), node.like(fill, x))


@rule("masked_softmax")
def masked_softmax(node: NodeContext, x: OnnxValue, mask: OnnxValue) -> OnnxValue:
    return _masked(node, x, node.cast(mask, "bool"), "Softmax", node["axis"], 0)


@rule("masked_log_softmax")
def masked_log_softmax(node: NodeContext, x: OnnxValue, mask: OnnxValue) -> OnnxValue:
    return _masked(node, x, node.cast(mask, "bool"), "LogSoftmax", node["axis"], -np.inf)


@rule("softmax_of_sample")
def softmax_of_sample(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.rank in (1, 2):
        return node.op("Softmax", x, axis=x.rank - 1)
    return node.reshape(node.op("Softmax", node.op("Flatten", x, axis=1), axis=1), node.extents(x))


@rule("log_softmax")
def log_softmax(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("LogSoftmax", x, axis=node["axis"])
