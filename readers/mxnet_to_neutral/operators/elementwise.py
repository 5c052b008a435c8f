"""Arithmetic, comparison and choice: src/operator/tensor/elemwise_binary*.cc, control_flow_op.cc, amp_cast.cc.

MXNet computes integers in their own type: scalars lose their fraction, and so does what a function of real numbers
gives for them. Neutral operators leave that out, so casts around them say it.
"""

from __future__ import annotations

import math
from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import FLOATS_OF_AMP, INTEGERS, dtype_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_KINDS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "mod": "remainder", "power": "power",
    "hypot": "hypot", "maximum": "maximum", "minimum": "minimum", "equal": "equal", "not_equal": "not_equal",
    "greater": "greater", "greater_equal": "greater_equal", "lesser": "less", "lesser_equal": "less_equal",
    "logical_and": "logical_and", "logical_or": "logical_or", "logical_xor": "logical_xor",
}  # fmt: skip

_BINARY = {
    **{f"broadcast_{name}": kind for name, kind in _KINDS.items()},
    **{f"_{name}": kind for name, kind in _KINDS.items() if name not in ("add", "sub", "mul", "div")},
    "elemwise_add": "add",
    "elemwise_sub": "subtract",
    "elemwise_mul": "multiply",
    "elemwise_div": "divide",
    "_grad_add": "add",
    "_scatter_elemwise_div": "divide",
}

_SCALAR = {
    **{f"_{name}_scalar": kind for name, kind in _KINDS.items() if name not in ("add", "sub")},
    "_plus_scalar": "add",
    "_minus_scalar": "subtract",
    "_scatter_plus_scalar": "add",
    "_scatter_minus_scalar": "subtract",
}

_REVERSED = {
    "_rminus_scalar": "subtract",
    "_rdiv_scalar": "divide",
    "_rmod_scalar": "remainder",
    "_rpower_scalar": "power",
}

LOGICAL = frozenset(
    {
        "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or",
        "logical_xor",
    }
)  # fmt: skip

REAL = frozenset({"power", "hypot"})
"""Binary kinds that MXNet computes in float32 for integers too."""


@rule(*_BINARY)
def binary(op: Op) -> Operand:
    return _apply(op, _BINARY[op.operator], op.input(0), op.input(1), dtype_of(op, 0) or dtype_of(op, 1))


@rule(*_SCALAR, *_REVERSED)
def with_scalar(op: Op) -> Operand:
    x, dtype = op.input(0), dtype_of(op, 0)
    number = finite(op, "scalar", 1.0)
    exact = op.attributes.bool("is_int", True)
    if dtype in INTEGERS:
        if exact:
            number = float(math.trunc(number))
        else:
            dtype = "float64"
            x = op.node("cast", x, dtype=dtype)
    if op.operator in _REVERSED:
        return _apply(op, _REVERSED[op.operator], number, x, dtype)
    return _apply(op, _SCALAR[op.operator], x, number, dtype)


def finite(op: Op, name: str, default: float) -> float:
    """A float attribute that has to be a number: others cannot be stored as an operand."""
    number = op.attributes.float(name, default)
    if not math.isfinite(number):
        op.refuse(f"{name} {number}")
    return number


def _apply(op: Op, kind: str, a: Operand, b: Operand, dtype: str | None) -> Value:
    if dtype in INTEGERS and kind == "divide":
        kind = "integer_divide"
    if dtype in INTEGERS and kind in REAL:
        a, b = (op.node("cast", x, dtype="float32") if isinstance(x, Value) else x for x in (a, b))
        return op.node("cast", op.node(kind, a, b), dtype=dtype)
    return op.node(kind, a, b, dtype=None) if kind in LOGICAL else op.node(kind, a, b)


@rule("add_n")
def add_n(op: Op) -> Operand:
    first, *rest = op.inputs()
    for value in rest:
        first = op.node("add", first, value)
    return first


@rule("clip")
def clip(op: Op) -> Operand:
    bounds = [op.attributes.float(name) for name in ("a_min", "a_max")]
    if not bounds[0] <= bounds[1]:
        op.refuse(f"a_min {bounds[0]} is not below a_max {bounds[1]}")
    if dtype_of(op, 0) in INTEGERS:
        bounds = [bound if math.isinf(bound) else float(math.trunc(bound)) for bound in bounds]
    low, high = (None if math.isinf(bound) else bound for bound in bounds)
    return op.node("clamp", op.input(0), min=low, max=high)


@rule("where")
def where(op: Op) -> Operand:
    return op.node("where", op.input(0), op.input(1), op.input(2), rows=True)


@rule("_contrib_quadratic")
def quadratic(op: Op) -> Operand:
    """a*x^2 + b*x + c."""
    a, b, c = (finite(op, name, 0.0) for name in "abc")
    x, dtype = op.input(0), dtype_of(op, 0)
    if dtype in INTEGERS:
        x = op.node("cast", x, dtype="float32")
    squared = op.node("multiply", op.node("square", x), a)
    result = op.node("add", op.node("add", squared, op.node("multiply", x, b)), c)
    return op.node("cast", result, dtype=dtype) if dtype in INTEGERS else result


@rule("Cast")
def cast(op: Op) -> Operand:
    return op.node("cast", op.input(0), dtype=op.attributes.dtype("dtype"))


@rule("amp_cast")
def amp_cast(op: Op) -> Operand:
    """A cast of the floating types of mixed precision; others go through."""
    dtype = op.attributes.dtype("dtype")
    if dtype_of(op, 0) not in (None, *FLOATS_OF_AMP):
        return op.input(0)
    return op.node("cast", op.input(0), dtype=dtype)


@rule("amp_multicast")
def amp_multicast(op: Op) -> Sequence[Operand]:
    op.attributes.ignore("num_outputs")
    value = op.node("cast_to_common", *op.inputs(), narrowest=op.attributes.bool("cast_narrow", False))
    return [Value(value.node, output) for output in range(op.count)]
