"""Functions of one number."""

from __future__ import annotations

import math

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import refuse, rule

_SAME = {
    "reciprocal": "Reciprocal",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "asin": "Asin",
    "acos": "Acos",
    "atan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "asinh": "Asinh",
    "acosh": "Acosh",
    "atanh": "Atanh",
    "erf": "Erf",
}
"""Kinds that are one standard operator."""

refuse("there is no standard operator for it", "gamma", "log_gamma", "digamma", "erfinv")


@rule(*_SAME, floating=True)
def same(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op(_SAME[node.node.kind], x)


@rule("abs")
def absolute(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return x if x.dtype == "bool" else node.op("Abs", x)


@rule("negative")
def negative(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Sub", node.like(0, x), x) if x.dtype.startswith("uint") else node.op("Neg", x)


@rule("floor", "ceil")
def floor(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op(node.node.kind.title(), x) if x.is_floating else x


@rule("square")
def square(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Mul", x, x)


@rule("rsqrt", single=True, floating=True)
def rsqrt(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Reciprocal", node.op("Sqrt", x))


@rule("cbrt", single=True, floating=True)
def cbrt(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Mul", node.op("Sign", x), node.op("Pow", node.op("Abs", x), node.like(1 / 3, x)))


@rule("sign")
def sign(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if not x.is_floating:
        return node.op("Sign", x)
    return node.op("Where", node.op("IsNaN", x), node.like(0, x), node.op("Sign", x))


def _near_zero(node: NodeContext, x: OnnxValue, near: OnnxValue, far: OnnxValue) -> OnnxValue:
    return node.op("Where", node.op("Less", node.op("Abs", x), node.like(0.5, x)), near, far)


@rule("expm1", single=True, floating=True)
def expm1(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Near 0, 2t / (1 - t) with t = tanh(x/2), which loses no digits."""
    half = node.op("Tanh", node.op("Mul", x, node.like(0.5, x)))
    one = node.like(1, x)
    near = node.op("Div", node.op("Add", half, half), node.op("Sub", one, half))
    return _near_zero(node, x, near, node.op("Sub", node.op("Exp", x), one))


@rule("log1p", single=True, floating=True)
def log1p(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Near 0, 2 atanh(x / (2 + x)), which loses no digits."""
    half = node.op("Atanh", node.op("Div", x, node.op("Add", x, node.like(2, x))))
    far = node.op("Log", node.op("Add", x, node.like(1, x)))
    return _near_zero(node, x, node.op("Add", half, half), far)


_FACTORS = {"degrees": 180 / math.pi, "radians": math.pi / 180}


@rule(*_FACTORS, floating=True)
def scaled(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Mul", x, node.like(_FACTORS[node.node.kind], x))


@rule("log10", "log2", single=True, floating=True)
def log_to_base(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Divide logarithms; of powers of the base the exponent is taken, as a later operator may truncate it."""
    base = {"log10": 10, "log2": 2}[node.node.kind]
    exponent = node.op("Div", node.op("Log", x), node.like(math.log(base), x))
    whole = node.op("Round", exponent)
    power = node.op("Equal", node.op("Pow", node.like(base, x), whole), x)
    return node.op("Where", power, whole, exponent)


def _truncated(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Where", node.op("Less", x, node.like(0, x)), node.op("Ceil", x), node.op("Floor", x))


@rule("trunc", single=True)
def trunc(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return _truncated(node, x) if x.is_floating else x


@rule("round", single=True)
def round_(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if not x.is_floating:
        return x
    if node["ties"] == "to_even":
        return node.op("Round", x)
    whole = _truncated(node, x)
    rest = node.op("Sub", x, whole)
    half, one, zero = node.like(0.5, x), node.like(1, x), node.like(0, x)
    up = node.op("GreaterOrEqual" if node["ties"] == "away_from_zero" else "Greater", rest, half)
    down = node.op("LessOrEqual", rest, node.like(-0.5, x))
    step = node.op("Where", up, one, node.op("Where", down, node.like(-1, x), zero))
    return node.op("Add", whole, step)


@rule("is_nan")
def is_nan(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("IsNaN", x) if x.is_floating else _nowhere(node, x)


def _nowhere(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return false everywhere, for an integer operand."""
    return node.op("Not", node.op("Equal", x, x))


@rule("is_infinite", "is_finite", "is_positive_infinity", "is_negative_infinity")
def is_infinite(node: NodeContext, x: OnnxValue) -> OnnxValue:
    kind = node.node.kind
    if not x.is_floating:
        return node.op("Equal", x, x) if kind == "is_finite" else _nowhere(node, x)
    infinity = node.like(-np.inf if kind == "is_negative_infinity" else np.inf, x)
    operand = node.op("Abs", x) if kind in ("is_infinite", "is_finite") else x
    return node.op("Less" if kind == "is_finite" else "Equal", operand, infinity)


@rule("nan_to_num")
def nan_to_num(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if not x.is_floating:
        return x
    limits = np.finfo("float32" if x.dtype == "bfloat16" else x.dtype)
    high = limits.max if node["positive"] is None else node["positive"]
    low = limits.min if node["negative"] is None else node["negative"]
    for mask, number in (
        (node.op("IsNaN", x), node["nan"]),
        (node.op("Equal", x, node.like(np.inf, x)), high),
        (node.op("Equal", x, node.like(-np.inf, x)), low),
    ):
        x = node.op("Where", mask, node.like(number, x), x)
    return x


@rule("smooth_l1", single=True, floating=True)
def smooth_l1(node: NodeContext, x: OnnxValue) -> OnnxValue:
    variance = float(node["sigma"]) ** 2
    size = node.op("Abs", x)
    near = node.op("Mul", node.op("Mul", x, x), node.like(0.5 * variance, x))
    far = node.op("Sub", size, node.like(0.5 / variance, x))
    return node.op("Where", node.op("LessOrEqual", size, node.like(1 / variance, x)), near, far)


@rule("divide_by_sqrt_size", single=True, floating=True)
def divide_by_sqrt_size(node: NodeContext, x: OnnxValue) -> OnnxValue:
    size = node.extent(x, -1)
    if isinstance(size, int):
        return node.op("Div", x, node.like(math.sqrt(size), x))
    return node.op("Div", x, node.op("Sqrt", node.cast(node.vector([size]), x.dtype)))
