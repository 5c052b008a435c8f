"""Reductions along axes."""

from __future__ import annotations

import math

from neutral.operators.dtypes import INTEGERS
from neutral.operators.reduction import reduced_axes
from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.elementwise import truth
from neutral_to_onnx.registry import Unsupported, refuse, rule


def _reduce(node: NodeContext, op_type: str, x: OnnxValue) -> OnnxValue:
    """Reduce over the axes of the node's attributes, without ``at_least_1d``."""
    axes = _axes(node, x)
    if axes == ():
        return node.op("Abs", x) if op_type in ("ReduceL1", "ReduceL2") else x
    return node.reduce(op_type, x, axes, node["keepdim"])


def _axes(node: NodeContext, x: OnnxValue) -> tuple[int, ...] | None:
    if node["axes"] is None:
        return None
    if not node["exclude"] and x.rank is None:
        return tuple(node["axes"])
    return reduced_axes(tuple(node["axes"]), node["exclude"], node.rank(x))


def _finished(node: NodeContext, y: OnnxValue) -> OnnxValue:
    return node.reshape(y, [1]) if node["at_least_1d"] and node.rank(y) == 0 else y


@rule("sum", "product", single=True)
def total(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.dtype in INTEGERS:
        x = node.cast(x, "int64")
    return _finished(node, _reduce(node, {"sum": "ReduceSum", "product": "ReduceProd"}[node.node.kind], x))


@rule("mean", single=True)
def mean(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.dtype in INTEGERS:
        raise Unsupported(f"its operand has the dtype {x.dtype}")
    return _finished(node, _reduce(node, "ReduceMean", x))


@rule("nan_sum", "nan_product", single=True)
def nan_total(node: NodeContext, x: OnnxValue) -> OnnxValue:
    neutral = 0 if node.node.kind == "nan_sum" else 1
    if x.is_floating:
        x = node.op("Where", node.op("IsNaN", x), node.like(neutral, x), x)
    return _finished(node, _reduce(node, "ReduceProd" if neutral else "ReduceSum", x))


@rule("l1_norm", "l2_norm", single=True)
def norm(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return _finished(node, _reduce(node, "ReduceL1" if node.node.kind == "l1_norm" else "ReduceL2", x))


@rule("reduce_max", "reduce_min")
def extreme(node: NodeContext, x: OnnxValue) -> OnnxValue:
    y = _reduce(node, "ReduceMax" if node.node.kind == "reduce_max" else "ReduceMin", x)
    if x.is_floating:  # runtimes differ in whether NaN is passed on
        flags = _reduce(node, "ReduceMax", node.cast(node.op("IsNaN", x), "int32"))
        y = node.op("Where", node.cast(flags, "bool"), node.like(float("nan"), y), y)
    return _finished(node, y)


@rule("all", "any")
def every(node: NodeContext, x: OnnxValue) -> OnnxValue:
    numbers = node.cast(truth(node, x), "int32")
    y = _reduce(node, "ReduceMin" if node.node.kind == "all" else "ReduceMax", numbers)
    return _finished(node, node.cast(y, "bool"))


refuse("onnxruntime does not round to float16 between operators on CPUs", "half_variance")


@rule("variance", "standard_deviation", single=True)
def variance(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axes = _axes(node, x)
    removed = tuple(range(node.rank(x))) if axes is None else axes
    centred = (
        node.op("Sub", x, node.reduce("ReduceMean", x, removed, keepdims=True)) if removed else node.op("Sub", x, x)
    )
    y = _reduce(node, "ReduceMean", node.op("Mul", centred, centred))
    if node["correction"]:
        y = node.op("Mul", y, _correction(node, x, removed))
    if node.node.kind == "standard_deviation":
        y = node.op("Sqrt", y)
    return _finished(node, y)


def _correction(node: NodeContext, x: OnnxValue, axes: tuple[int, ...]) -> OnnxValue:
    """Return n / (n - correction) of n elements."""
    extents = [node.extent(x, axis) for axis in axes]
    numbers = [extent for extent in extents if isinstance(extent, int)]
    if len(numbers) == len(extents):
        count = math.prod(numbers)
        rest = count - node["correction"]
        return node.like(count / rest if rest else math.inf, x)
    count_value = node.cast(node.op("ReduceProd", node.vector(extents), keepdims=0), x.dtype)
    return node.op("Div", count_value, node.op("Sub", count_value, node.like(node["correction"], x)))


@rule("argmax", "argmin")
def position(node: NodeContext, x: OnnxValue) -> OnnxValue:
    dtype = node["dtype"] or x.dtype
    op_type = "ArgMax" if node.node.kind == "argmax" else "ArgMin"
    axis, keepdim, rank = node["axis"], node["keepdim"], x.rank
    if axis is None:
        y = node.op(op_type, node.reshape(x, [-1]), axis=0, keepdims=0)
        y = node.reshape(y, [1] * node.rank(x)) if keepdim and rank else y
    else:
        y = node.op(op_type, x, axis=axis, keepdims=int(keepdim))
    return _finished(node, node.cast(y, dtype))


@rule("cumulative_sum", single=True)
def cumulative_sum(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.dtype in INTEGERS:
        x = node.cast(x, "int64")
    return node.op("CumSum", x, node.constant(node["axis"], "int64"))
