"""Random numbers, which agree with those of other runtimes in distribution only."""

from __future__ import annotations

import math
from typing import Any, Callable

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.building.builder import element_type
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic
from neutral_to_onnx.registry import refuse, rule

refuse(
    "no standard operator draws from this distribution",
    "random_gamma",
    "random_poisson",
    "random_negative_binomial",
    "random_binomial",
    "random_multinomial",
)


def _drawn(node: NodeContext, op_type: str, shape: OnnxValue) -> OnnxValue:
    """Return float64 numbers of a shape, from [0, 1) or from the standard normal distribution."""
    return node.op(op_type, node.op("ConstantOfShape", shape), dtype=element_type("float64"))


def _uniform(node: NodeContext, shape: OnnxValue) -> OnnxValue:
    return _drawn(node, "RandomUniformLike", shape)


def _base_shape(node: NodeContext, parameters: list[OnnxValue], like: OnnxValue | None) -> OnnxValue:
    """Return the shape of like, or that to which the parameters broadcast."""
    if like is not None:
        return node.op("Shape", like)
    tensors = [value for value in parameters if node.rank(value)]
    if not tensors:
        return node.vector([])
    whole = tensors[0] if len(tensors) == 1 else node.op("Add", *tensors)
    return node.vector(node.extents(whole))


def _register(kind: str, count: int, draw: Callable[..., Any]) -> None:
    """Register a distribution; ``draw`` gets the node, the parameters in float64 and the shape."""

    @rule(kind)
    def sample(node: NodeContext, *operands: OnnxValue | None) -> OnnxValue:
        parameters = [node.cast(value, "float64") for value in operands[:count] if value is not None]
        like = operands[count] if len(operands) > count else None
        given = [value for value in (like, *operands[:count]) if value is not None and node.rank(value)]
        dtype = node["dtype"] or (like.dtype if like is not None else given[0].dtype if given else "float32")
        base, extents = _base_shape(node, parameters, like), tuple(node["shape"] or ())
        shape = node.vector([base])
        if node["shape"] is not None and node["place"] == "whole":
            shape = node.vector(extents)
        elif extents:
            own = node.ints(extents)
            shape = node.op("Concat", *((own, base) if node["place"] == "front" else (base, own)), axis=0)
            if node["place"] == "back":
                axes = list(range(-len(extents), 0))
                parameters = [node.op("Unsqueeze", v, node.ints(axes)) if node.rank(v) else v for v in parameters]
        result: OnnxValue = draw(node, *parameters, shape)
        return node.cast(result, dtype)


def _normal(node: NodeContext, mean: OnnxValue, deviation: OnnxValue, shape: OnnxValue) -> OnnxValue:
    return node.op("Add", mean, node.op("Mul", deviation, _drawn(node, "RandomNormalLike", shape)))


def _between(node: NodeContext, low: OnnxValue, high: OnnxValue, shape: OnnxValue) -> OnnxValue:
    return node.op("Add", low, node.op("Mul", node.op("Sub", high, low), _uniform(node, shape)))


def _exponential(node: NodeContext, rate: OnnxValue, shape: OnnxValue) -> OnnxValue:
    uniform = _uniform(node, shape)
    return node.op("Neg", node.op("Div", node.op("Log", node.op("Sub", node.like(1, uniform), uniform)), rate))


def _integer(node: NodeContext, low: OnnxValue, high: OnnxValue, shape: OnnxValue) -> OnnxValue:
    whole = [node.cast(node.cast(bound, "int64"), "float64") for bound in (low, high)]
    return node.op("Floor", _between(node, whole[0], whole[1], shape))


_register("random_normal", 2, _normal)
_register("random_uniform", 2, _between)
_register("random_exponential", 1, _exponential)
_register("random_bernoulli", 1, lambda node, p, shape: node.op("Less", _uniform(node, shape), p))
_register("random_integer", 2, _integer)


@rule("random_category")
def random_category(node: NodeContext, probabilities: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    *extents, count = node.extents(probabilities)
    rows = node.reshape(probabilities, [-1, count])
    draws = math.prod(node["shape"])
    bounds = node.op("CumSum", node.cast(rows, "float64"), node.constant(1, "int64"))
    uniform = _uniform(node, node.vector([node.extent(rows, 0), draws]))
    below = node.op(
        "LessOrEqual", node.op("Unsqueeze", bounds, node.ints(1)), node.op("Unsqueeze", uniform, node.ints(2))
    )
    place = node.reduce("ReduceSum", node.cast(below, "int64"), [2], keepdims=False)
    last = arithmetic(node, "Sub", node.op("Squeeze", node.vector([count])), 1)
    place = node.op("Min", place, last)
    chosen = node.cast(node.op("GatherElements", rows, place, axis=1), "float64")
    shape = [*extents, *node["shape"]]
    logarithm = node.cast(node.op("Log", chosen), probabilities.dtype)
    positions_ = node.cast(place, node["dtype"] or probabilities.dtype)
    return node.reshape(positions_, shape), node.reshape(logarithm, shape)


@rule("random_permutation")
def random_permutation(node: NodeContext, x: OnnxValue) -> OnnxValue:
    count = node.vector([node.extent(x, 0)])
    _, order = node.ops("TopK", [_uniform(node, count), count], 2)
    return node.op("Gather", x, order, axis=0)
