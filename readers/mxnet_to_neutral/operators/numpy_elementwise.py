"""Element by element in NumPy mode: src/operator/numpy/np_elemwise*.cc, np_where_op.cc.

Operands may differ in dtype, and comparisons give bools. Integers and numbers without a fraction stay integers.
"""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import INTEGERS, REAL_OF_2, TRUTHS, dtype_of, float_of, promoted
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_ARITHMETIC = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "mod": "remainder", "power": "power",
    "maximum": "maximum", "minimum": "minimum", "fmax": "fmax", "fmin": "fmin", "fmod": "remainder_of_trunc",
    "floor_divide": "floor_divide", "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor", "bitwise_left_shift": "shift_left", "bitwise_right_shift": "shift_right",
    "gcd": "greatest_common_divisor", "lcm": "least_common_multiple",
}  # fmt: skip
"""Functions that give integers for integers."""

_REAL = {"hypot": "hypot", "arctan2": "atan2", "copysign": "copysign", "ldexp": "ldexp", "logaddexp": "logaddexp"}
"""Functions of real numbers, which MXNet cuts to integers again for integers."""

_KINDS = {**_ARITHMETIC, **_REAL, "true_divide": "divide"}

_BITWISE = frozenset({"bitwise_and", "bitwise_or", "bitwise_xor", "greatest_common_divisor", "least_common_multiple"})

_UNARY = {
    "absolute": "abs", "negative": "negative", "sign": "sign", "square": "square", "reciprocal": "reciprocal",
    "sqrt": "sqrt", "cbrt": "cbrt", "exp": "exp", "expm1": "expm1", "log": "log", "log10": "log10", "log2": "log2",
    "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "degrees": "degrees", "radians": "radians", "bitwise_not": "bitwise_not",
}  # fmt: skip

_WHOLE = frozenset({"abs", "negative", "sign", "square", "bitwise_not"})
"""Functions that give integers for integers."""

_ROUNDING: dict[str, tuple[str, dict[str, Any]]] = {
    "_npi_floor": ("floor", {}),
    "_npi_ceil": ("ceil", {}),
    "_npi_trunc": ("trunc", {}),
    "_npi_fix": ("trunc", {}),
    "_npi_rint": ("round", {"ties": "down"}),
}

_PREDICATES = {
    "_npi_isnan": "is_nan",
    "_npi_isinf": "is_infinite",
    "_npi_isfinite": "is_finite",
    "_npi_isposinf": "is_positive_infinity",
    "_npi_isneginf": "is_negative_infinity",
}


@rule(*(f"_npi_{name}" for name in _KINDS))
def binary(op: Op) -> Operand:
    kind = _KINDS[op.operator[len("_npi_") :]]
    return _apply(op, kind, op.input(0), op.input(1), promoted(op.dtypes))


@rule(*(f"_npi_{name}_scalar" for name in _KINDS))
def with_scalar(op: Op) -> Operand:
    kind = _KINDS[op.operator[len("_npi_") : -len("_scalar")]]
    x, number, dtype = _operands(op, kind)
    return _apply(op, kind, x, number, dtype)


@rule(
    *(
        f"_npi_r{name}_scalar"
        for name in (
            "subtract", "mod", "power", "true_divide", "arctan2", "copysign", "ldexp", "fmod", "floor_divide",
            "bitwise_left_shift", "bitwise_right_shift",
        )
    )
)  # fmt: skip
def with_scalar_first(op: Op) -> Operand:
    kind = _KINDS[op.operator[len("_npi_r") : -len("_scalar")]]
    x, number, dtype = _operands(op, kind)
    return _apply(op, kind, number, x, dtype)


def _operands(op: Op, kind: str) -> tuple[Operand, float, str | None]:
    """The tensor in the dtype that it is computed in, the number and that dtype."""
    x, dtype = op.input(0), dtype_of(op, 0)
    number = finite(op, "scalar", 1.0)
    whole = op.attributes.bool("is_int", True)
    if dtype in INTEGERS and kind not in _BITWISE and kind != "divide":
        if whole:
            number = float(math.trunc(number))
        wanted = ("int64" if dtype == "bool" else dtype) if whole else "float64"
        if wanted != dtype:
            x, dtype = op.node("cast", x, dtype=wanted), wanted
    return x, number, dtype


def _apply(op: Op, kind: str, a: Operand, b: Operand, dtype: str | None) -> Value:
    if dtype in INTEGERS and kind in _REAL.values():
        a, b = (op.node("cast", x, dtype="float32") if isinstance(x, Value) else x for x in (a, b))
        return op.node("cast", op.node(kind, a, b), dtype=dtype)
    return op.node(kind, a, b)


@rule(*TRUTHS)
def truth(op: Op) -> Operand:
    name = op.operator[len("_npi_") :]
    if not name.endswith("_scalar"):
        return op.node(name, op.input(0), op.input(1), dtype="bool")
    op.attributes.ignore("is_int")
    return op.node(name[: -len("_scalar")], op.input(0), finite(op, "scalar", 1.0), dtype="bool")


@rule("_npi_logical_not")
def logical_not(op: Op) -> Operand:
    return op.node("logical_not", op.input(0), dtype="bool")


@rule(*_PREDICATES)
def predicate(op: Op) -> Operand:
    return op.node(_PREDICATES[op.operator], op.input(0))


@rule(*(f"_npi_{name}" for name in _UNARY))
def unary(op: Op) -> Operand:
    kind, dtype = _UNARY[op.operator[len("_npi_") :]], dtype_of(op, 0)
    if dtype not in INTEGERS or kind in _WHOLE:
        return op.node(kind, op.input(0))
    if op.operator in REAL_OF_2 and op.version >= (2,):
        return op.node(kind, op.node("cast", op.input(0), dtype=float_of(dtype)))
    return op.node("cast", op.node(kind, op.node("cast", op.input(0), dtype="float32")), dtype=dtype)


@rule(*_ROUNDING)
def rounding(op: Op) -> Operand:
    kind, attributes = _ROUNDING[op.operator]
    dtype = dtype_of(op, 0)
    if dtype not in INTEGERS:
        return op.node(kind, op.input(0), **attributes)
    if op.version >= (2,) and (op.operator in REAL_OF_2 or dtype == "bool"):
        return op.node("cast", op.input(0), dtype=float_of(dtype))
    return op.input(0)


@rule("_npi_around")
def around(op: Op) -> Operand:
    decimals = op.attributes.int("decimals", 0)
    x = op.input(0)
    if dtype_of(op, 0) in INTEGERS:
        if decimals < 0:
            op.refuse(f"decimals {decimals} of integers")
        return x
    if not decimals:
        return op.node("round", x, ties="to_even")
    kinds = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    power = 10.0 ** abs(decimals)
    return op.node(kinds[1], op.node("round", op.node(kinds[0], x, power), ties="to_even"), power)


@rule("_npi_nan_to_num")
def nan_to_num(op: Op) -> Operand:
    op.attributes.ignore("copy")
    bounds = [op.attributes.optional_float(name, None) for name in ("posinf", "neginf")]
    if dtype_of(op, 0) in INTEGERS:
        return op.input(0)
    nan = op.attributes.float("nan", 0.0)
    return op.node("nan_to_num", op.input(0), nan=nan, positive=bounds[0], negative=bounds[1])


@rule("_npi_where")
def where(op: Op) -> Operand:
    return op.node("where", condition(op, 0), op.input(1), op.input(2), rows=False)


@rule("_npi_where_lscalar", "_npi_where_rscalar", "_npi_where_scalar2")
def where_scalar(op: Op) -> Operand:
    if op.operator == "_npi_where_scalar2":
        x, y = op.attributes.float("x", 0.0), op.attributes.float("y", 0.0)
        return op.node("where", condition(op, 0), x, y, rows=False)
    number = op.attributes.float("scalar", 0.0)
    if dtype_of(op, 1) in INTEGERS:
        number = float(math.trunc(number))
    operands = (number, op.input(1)) if op.operator == "_npi_where_lscalar" else (op.input(1), number)
    return op.node("where", condition(op, 0), *operands, rows=False)


def condition(op: Op, index: int) -> Operand:
    """An input as a bool."""
    value = op.input(index)
    return value if dtype_of(op, index) == "bool" else op.node("cast", value, dtype="bool")


@rule("_npx_relu")
def relu(op: Op) -> Operand:
    return op.node("relu", op.input(0))


@rule("_npx_sigmoid")
def sigmoid(op: Op) -> Operand:
    return op.node("sigmoid", op.input(0))
