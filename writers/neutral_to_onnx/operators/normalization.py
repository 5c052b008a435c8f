"""Normalizations, outside of training."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


@rule("batch_norm")
def batch_norm(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue | None, ...]:
    mean, variance = node.tensor("running_mean"), node.tensor("running_var")
    output = deviation = None
    if node.uses(0):
        axis = node["axis"] if node["axis"] == 1 else node.axis(node["axis"], x)
        order = None if axis == 1 else _exchanged(node.rank(x), axis)
        operand = x if order is None else node.op("Transpose", x, perm=order)
        parameters = (node.tensor("weight"), node.tensor("bias"), mean, variance)
        output = node.op("BatchNormalization", operand, *parameters, epsilon=node["eps"])
        output = output if order is None else node.op("Transpose", output, perm=order)
    if node.uses(2):
        deviation = node.op("Add", variance, node.like(node["eps"], variance))
        deviation = node.op("Reciprocal", node.op("Sqrt", deviation))
    return output, mean, deviation


def _exchanged(rank: int, axis: int) -> list[int]:
    """Return the permutation that exchanges axis 1 and another one."""
    order = list(range(rank))
    order[1], order[axis] = axis, 1
    return order


@rule("layer_norm", single=True)
def layer_norm(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue | None, ...]:
    axis, weight, bias = node.axis(node["axis"], x), node.tensor("weight"), node.tensor("bias")
    if axis == node.rank(x) - 1 and not node.uses(1) and not node.uses(2) and x.dtype == "float32":
        return node.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=node["eps"]), None, None
    normalized, mean, deviation = _standardized(node, x, [axis])
    shape = tuple(-1 if position == axis else 1 for position in range(node.rank(x)))
    return _affine(node, normalized, shape), mean, deviation


def _standardized(node: NodeContext, x: OnnxValue, axes: list[int]) -> tuple[OnnxValue, OnnxValue, OnnxValue]:
    """Return the normalized operand, the mean and the deviation over axes, which are kept."""
    mean = node.reduce("ReduceMean", x, axes, keepdims=True)
    centred = node.op("Sub", x, mean)
    variance = node.reduce("ReduceMean", node.op("Mul", centred, centred), axes, keepdims=True)
    deviation = node.op("Sqrt", node.op("Add", variance, node.like(node["eps"], x)))
    return node.op("Div", centred, deviation), mean, deviation


def _affine(node: NodeContext, x: OnnxValue, shape: tuple[int, ...]) -> OnnxValue:
    """Multiply with the weight and add the bias along the axis at which the shape has -1."""
    extents = [tuple(_size(node, role) if size == -1 else 1 for size in shape) for role in ("weight", "bias")]
    product = node.op("Mul", x, node.shaped_tensor("weight", extents[0]))
    return node.op("Add", product, node.shaped_tensor("bias", extents[1]))


def _size(node: NodeContext, role: str) -> int:
    """Return the number of elements of a role; -1, which ONNX infers, for one that the graph computes."""
    shape = node.tensor_shape(role)
    sizes = [size for size in shape if isinstance(size, int)]
    return int(np.prod(sizes)) if len(sizes) == len(shape) else -1


@rule("instance_norm", single=True)
def instance_norm(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("InstanceNormalization", x, node.tensor("weight"), node.tensor("bias"), epsilon=node["eps"])


@rule("group_norm", single=True)
def group_norm(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue | None, ...]:
    grouped = node.reshape(x, [node.extent(x, 0), node["groups"], -1])
    normalized, mean, deviation = _standardized(node, grouped, [2])
    output = node.reshape(normalized, node.extents(x))
    output = _affine(node, output, (1, -1, *[1] * (node.rank(x) - 2)))
    statistics = [
        node.op("Squeeze", value, node.ints(2)) if node.uses(number) else None
        for number, value in ((1, mean), (2, deviation))
    ]
    return (output, *statistics)


@rule("l2_normalize", single=True)
def l2_normalize(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank = node.rank(x)
    axes = {"sample": range(1, rank), "channel": (1,), "spatial": range(2, rank)}[node["over"]]
    total = node.reduce("ReduceSum", node.op("Mul", x, x), list(axes), keepdims=True)
    return node.op("Div", x, node.op("Sqrt", node.op("Add", total, node.like(node["eps"], x))))


@rule("local_response_norm", single=True)
def local_response_norm(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("LRN", x, size=node["size"], alpha=node["alpha"], beta=node["beta"], bias=node["k"])
