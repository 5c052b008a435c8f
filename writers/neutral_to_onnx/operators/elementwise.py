"""Arithmetic, comparisons, conversion and selection; functions of one number are in :mod:`.unary`."""

from __future__ import annotations

import numpy as np

from neutral.dtypes import DTYPES
from neutral.operators.dtypes import INTEGERS
from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule

_ARITHMETIC = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "maximum": "Max", "minimum": "Min"}
_OF_BOOLS = {"add": "Or", "multiply": "And", "maximum": "Or", "minimum": "And"}


def _operands(node: NodeContext, x: OnnxValue, y: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    first, second = node.promoted(x, y)
    return first, second


@rule(*_ARITHMETIC)
def arithmetic(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    kind = node.node.kind
    x, y = _operands(node, x, y)
    if x.dtype == "bool":
        if kind not in _OF_BOOLS:
            raise Unsupported("its operands are bools")
        return node.op(_OF_BOOLS[kind], x, y)
    return node.op(_ARITHMETIC[kind], x, y)


@rule("divide")
def divide(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    if x.dtype in INTEGERS:
        x, y = node.cast(x, "float32"), node.cast(y, "float32")
    return node.op("Div", x, y)


def _safe(node: NodeContext, y: OnnxValue) -> tuple[OnnxValue, OnnxValue | None]:
    """Return a divisor without zeros, and where there was a zero; None if there is certainly none."""
    if y.array is not None and np.all(y.array != 0):
        return y, None
    zero = node.op("Equal", y, node.like(0, y))
    return node.op("Where", zero, node.like(1, y), y), zero


def _unless_zero(node: NodeContext, result: OnnxValue, zero: OnnxValue | None) -> OnnxValue:
    return result if zero is None else node.op("Where", zero, node.like(0, result), result)


@rule("integer_divide")
def integer_divide(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    divisor, zero = _safe(node, y)
    return _unless_zero(node, node.op("Div", x, divisor), zero)


@rule("remainder", single=True)
def remainder(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    divisor, zero = _safe(node, y)
    return _unless_zero(node, _modulo(node, x, divisor), zero)


def _modulo(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    """Return the remainder that has the sign of a divisor that is not 0."""
    if not x.is_floating:
        return node.op("Mod", x, y)
    rest = node.op("Mod", x, y, fmod=1)
    zero = node.like(0, x)
    differs = node.op("Xor", node.op("Less", rest, zero), node.op("Less", y, zero))
    moved = node.op("And", differs, node.op("Not", node.op("Equal", rest, zero)))
    return node.op("Where", moved, node.op("Add", rest, y), rest)


@rule("floor_divide", single=True)
def floor_divide(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    if x.is_floating:
        return node.op("Floor", node.op("Div", x, y))
    divisor, zero = _safe(node, y)
    return _unless_zero(node, node.op("Div", node.op("Sub", x, _modulo(node, x, divisor)), divisor), zero)


@rule("remainder_of_trunc", single=True)
def remainder_of_trunc(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    divisor, zero = _safe(node, y)
    return _unless_zero(node, node.op("Mod", x, divisor, fmod=1), zero)


@rule("power", single=True)
def power(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    return node.op("Pow", x, y)


@rule("ldexp", single=True)
def ldexp(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    return node.op("Mul", x, node.op("Pow", node.like(2, y), y))


@rule("hypot", single=True)
def hypot(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    """Scale by the larger number, so that squares do not overflow."""
    x, y = (node.op("Abs", value) for value in _operands(node, x, y))
    scale = node.op("Max", x, y)
    plain = node.op("Or", node.op("Equal", scale, node.like(0, x)), node.op("Equal", scale, node.like(np.inf, x)))
    divisor = node.op("Where", plain, node.like(1, x), scale)
    ratios = [node.op("Div", value, divisor) for value in (x, y)]
    root = node.op("Sqrt", node.op("Add", *(node.op("Mul", ratio, ratio) for ratio in ratios)))
    return node.op("Where", plain, scale, node.op("Mul", root, divisor))


@rule("fmax", "fmin")
def fmax(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    op_type = "Max" if node.node.kind == "fmax" else "Min"
    x, y = _operands(node, x, y)
    if not x.is_floating:
        return node.op(op_type, x, y)
    other = node.op("Where", node.op("IsNaN", y), x, node.op(op_type, x, y))
    return node.op("Where", node.op("IsNaN", x), y, other)


@rule("atan2", single=True)
def atan2(node: NodeContext, y: OnnxValue, x: OnnxValue) -> OnnxValue:
    y, x = _operands(node, y, x)
    zero = node.like(0, x)
    both = node.op("And", node.op("Equal", y, zero), node.op("Equal", x, zero))
    equal = node.op("And", _infinite(node, x), _infinite(node, y))
    ratio = node.op("Div", y, node.op("Where", both, node.like(1, x), x))
    ratio = node.op("Where", equal, node.op("Mul", node.op("Sign", x), node.op("Sign", y)), ratio)
    angle = node.op("Atan", ratio)
    turn = node.op("Where", _negative(node, y), node.like(-np.pi, x), node.like(np.pi, x))
    return node.op("Where", _negative(node, x), node.op("Add", angle, turn), angle)


def _infinite(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Equal", node.op("Abs", x), node.like(np.inf, x))


def _negative(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return where a number has a sign, -0 included: its reciprocal is less than 0, or, of -infinity, itself."""
    zero = node.like(0, x)
    return node.op("Or", node.op("Less", x, zero), node.op("Less", node.op("Reciprocal", x), zero))


@rule("copysign", single=True)
def copysign(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    size = node.op("Abs", x)
    return node.op("Where", _negative(node, y), node.op("Neg", size), size)


@rule("logaddexp", single=True)
def logaddexp(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    equal = node.op("Equal", x, y)  # infinities too, whose difference is not a number
    distance = node.op("Abs", node.op("Sub", x, y))
    distance = node.op("Where", equal, node.like(0, x), distance)
    return node.op("Add", node.op("Max", x, y), node.op("Softplus", node.op("Neg", distance)))


_COMPARISONS = {
    "equal": ("Equal", False),
    "not_equal": ("Equal", True),
    "greater": ("Greater", False),
    "greater_equal": ("GreaterOrEqual", False),
    "less": ("Less", False),
    "less_equal": ("LessOrEqual", False),
}
"""The operator of each kind, and whether its output is negated."""


@rule(*_COMPARISONS)
def compare(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    op_type, negated = _COMPARISONS[node.node.kind]
    x, y = _operands(node, x, y)
    dtype = x.dtype
    if dtype == "bool" and op_type != "Equal":
        x, y = node.cast(x, "int32"), node.cast(y, "int32")
    result = node.op(op_type, x, y)
    return node.cast(node.op("Not", result) if negated else result, node["dtype"] or dtype)


_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


@rule(*_LOGICAL)
def logical(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    dtype = _operands(node, x, y)[0].dtype if node["dtype"] is None else node["dtype"]
    return node.cast(node.op(_LOGICAL[node.node.kind], truth(node, x), truth(node, y)), dtype)


@rule("logical_not")
def logical_not(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.cast(node.op("Not", truth(node, x)), node["dtype"] or x.dtype)


def truth(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return where a value is not 0; NaN is not.

    Args:
        node: The node.
        x: The value.

    Returns:
        A value of bool.
    """
    if x.dtype == "bool":
        return x
    return node.op("Not", node.op("Equal", x, node.like(0, x)))


@rule("clamp")
def clamp(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["min"] is None and node["max"] is None:
        return x
    bounds = []
    for name, unbounded in (("min", -np.inf), ("max", np.inf)):
        number = node[name]
        if number is None and x.is_floating:  # an absent bound is the largest finite number in onnxruntime
            number = unbounded
        bounds.append(None if number is None else node.constant(_bound(number, x), x.dtype))
    return node.op("Clip", x, *bounds)


def _bound(number: float, x: OnnxValue) -> np.ndarray:
    """Return a bound as C casts it to the dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(number).astype("float32" if x.dtype == "bfloat16" else x.dtype)


@rule("cast")
def cast(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return truth(node, x) if node["dtype"] == "bool" else node.cast(x, node["dtype"])


_SIZE = {dtype.name: dtype.size for dtype in DTYPES}


@rule("cast_to_common")
def cast_to_common(node: NodeContext, *inputs: OnnxValue) -> list[OnnxValue]:
    floats = [value.dtype for value in inputs if value.dtype in ("float32", "float16", "bfloat16")]
    if not floats:
        return list(inputs)
    dtype = (min if node["narrowest"] else max)(floats, key=_SIZE.__getitem__)
    return [node.cast(value, dtype) if value.dtype in floats else value for value in inputs]


@rule("where")
def where(node: NodeContext, condition: OnnxValue, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = _operands(node, x, y)
    chosen = truth(node, condition)
    if node["rows"]:
        rank = node.rank(x)
        if node.rank(condition) < rank:
            chosen = node.reshape(chosen, [-1, *[1] * (rank - 1)])
    return node.op("Where", chosen, x, y)


@rule("polynomial", single=True)
def polynomial(node: NodeContext, coefficients: OnnxValue, x: OnnxValue) -> OnnxValue:
    count = node.extent(coefficients, 0)
    if not isinstance(count, int):
        raise NeedsShape("its steps are as many as the coefficients")
    result = node.op("Mul", x, node.like(0, x))
    for index in range(count):
        coefficient = node.op("Gather", coefficients, node.constant(index, "int64"), axis=0)
        result = node.op("Add", node.op("Mul", result, x), coefficient)
    return result
