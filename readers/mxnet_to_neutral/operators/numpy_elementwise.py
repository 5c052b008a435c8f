"""Rules for elementwise operators in NumPy mode: src/operator/numpy/np_elemwise*.cc, np_where_op.cc.

Operands may differ in dtype, and comparisons give bools. Integers with integral numbers stay integers.
"""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.inference.dtypes import BOOL_RESULTS, FLOAT_RESULTS_SINCE_2, float_for_integers
from mxnet_to_neutral.operators.elementwise import CLAMPING_KINDS, among_integers, finite
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.operators.unary import sigmoid_of
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS, promote

_ARITHMETIC = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "mod": "remainder", "power": "power",
    "maximum": "maximum", "minimum": "minimum", "fmax": "fmax", "fmin": "fmin", "fmod": "remainder_of_trunc",
    "floor_divide": "floor_divide", "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor", "bitwise_left_shift": "shift_left", "bitwise_right_shift": "shift_right",
    "gcd": "greatest_common_divisor", "lcm": "least_common_multiple",
}  # fmt: skip
"""Functions that give integers for integers."""

_FLOAT_FUNCTIONS = {
    "hypot": "hypot",
    "arctan2": "atan2",
    "copysign": "copysign",
    "ldexp": "ldexp",
    "logaddexp": "logaddexp",
}
"""Functions of real numbers, whose results MXNet truncates for integers."""

_REAL_KINDS = frozenset({*_FLOAT_FUNCTIONS.values(), "power"})
"""Kinds that MXNet computes in float32 for integers, and truncates."""

_KINDS = {**_ARITHMETIC, **_FLOAT_FUNCTIONS, "true_divide": "divide"}

_BITWISE = frozenset({"bitwise_and", "bitwise_or", "bitwise_xor", "greatest_common_divisor", "least_common_multiple"})

_OF_BOOLS = {"greatest_common_divisor": "bitwise_or", "least_common_multiple": "bitwise_and"}
"""What functions of integers are for bools, of which torch and NumPy have none."""

_UNARY = {
    "absolute": "abs", "negative": "negative", "sign": "sign", "square": "square", "reciprocal": "reciprocal",
    "sqrt": "sqrt", "cbrt": "cbrt", "exp": "exp", "expm1": "expm1", "log": "log", "log10": "log10", "log2": "log2",
    "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "degrees": "degrees", "radians": "radians", "bitwise_not": "bitwise_not",
}  # fmt: skip

_INTEGER_PRESERVING = frozenset({"abs", "negative", "sign", "square", "bitwise_not"})
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


_DECIMALS = 300
"""The decimals that rounding may keep or drop at most: its power of ten is a floating number."""


@rule(*(f"_npi_{name}" for name in _KINDS))
def binary(context: NodeContext) -> Operand:
    """Convert binary operators on two tensors, such as ``np.add``."""
    kind = _KINDS[context.operator[len("_npi_") :]]
    if set(context.dtypes) == {"bool"}:
        kind = _OF_BOOLS.get(kind, kind)
    return _apply(context, kind, *_promoted(context, kind), promote(context.dtypes))


def _promoted(context: NodeContext, kind: str) -> tuple[Operand, Operand]:
    """Return both operands, cast to their common dtype where torch would not promote as MXNet does.

    MXNet promotes by dtype alone. In torch, a tensor without axes does not widen one with axes, and bools cannot be
    subtracted.
    """
    common = promote(context.dtypes)
    operands: list[Operand] = []
    dtypes = (context.dtype(0), context.dtype(1))
    for dtype, other in (dtypes, dtypes[::-1]):
        value = context.input(len(operands))
        is_known = dtype is not None and common is not None
        same_category = is_known and (dtype in INTEGERS) == (common in INTEGERS)
        if dtype == "bool" and other != "bool" and kind == "subtract":
            value = context.node("cast", value, dtype=common or "int32")
        elif dtype != common and same_category:
            value = context.node("cast", value, dtype=common)
        operands.append(value)
    return operands[0], operands[1]


@rule(*(f"_npi_{name}_scalar" for name in _KINDS))
def with_scalar(context: NodeContext) -> Operand:
    """Convert binary operators on a tensor and a number.

    Raises:
        Refusal: The number is not finite.
    """
    kind = _KINDS[context.operator[len("_npi_") : -len("_scalar")]]
    if context.dtype(0) == "bool":
        kind = _OF_BOOLS.get(kind, kind)
    x, number, dtype = _operands(context, kind)
    return _apply(context, kind, x, number, dtype)


@rule(
    *(
        f"_npi_r{name}_scalar"
        for name in (
            "subtract", "mod", "power", "true_divide", "arctan2", "copysign", "ldexp", "fmod", "floor_divide",
            "bitwise_left_shift", "bitwise_right_shift",
        )
    )
)  # fmt: skip
def with_scalar_first(context: NodeContext) -> Operand:
    """Convert binary operators on a number and a tensor, such as ``_npi_rsubtract_scalar``.

    Raises:
        Refusal: The number is not finite.
    """
    kind = _KINDS[context.operator[len("_npi_r") : -len("_scalar")]]
    x, number, dtype = _operands(context, kind)
    return _apply(context, kind, number, x, dtype)


def _operands(context: NodeContext, kind: str) -> tuple[Operand, Operand, str | None]:
    """Return the tensor in the dtype of the computation, the number, and that dtype."""
    x, dtype = context.input(0), context.dtype(0)
    scalar = finite(context, "scalar", 1.0)
    is_integral = context.attributes.bool("is_int", True)
    if dtype in INTEGERS and kind not in _BITWISE and kind != "divide":
        computation_dtype = ("int64" if dtype == "bool" else dtype) if is_integral else "float64"
        if computation_dtype != dtype:
            x, dtype = context.node("cast", x, dtype=computation_dtype), computation_dtype
        if is_integral:
            return x, among_integers(context, scalar, computation_dtype, wraps=kind not in CLAMPING_KINDS), dtype
        return x, scalar, dtype
    if kind.startswith("bitwise"):
        scalar = float(scalar != 0) if dtype == "bool" else float(math.trunc(scalar))
    if dtype in INTEGERS and kind == "divide" and scalar == 1.0:
        x, dtype = context.node("cast", x, dtype="float32"), "float32"  # x / 1 is x, but for the dtype
    return x, scalar, dtype


def _apply(context: NodeContext, kind: str, a: Operand, b: Operand, dtype: str | None) -> Value:
    """Add a binary operator; functions of real numbers are truncated for integers."""
    if dtype in INTEGERS and kind in _REAL_KINDS:
        a, b = (context.node("cast", x, dtype="float32") if isinstance(x, Value) else x for x in (a, b))
        return context.node("cast", context.node(kind, a, b), dtype=dtype)
    return context.node(kind, a, b)


@rule(*BOOL_RESULTS)
def comparison(context: NodeContext) -> Operand:
    """Convert comparisons and logical operators to bools.

    Raises:
        Refusal: The operand is a number that is not finite.
    """
    name = context.operator[len("_npi_") :]
    if not name.endswith("_scalar"):
        return context.node(name, context.input(0), context.input(1), dtype="bool")
    scalar = finite(context, "scalar", 1.0)
    number: Operand = scalar
    is_integral = context.attributes.bool("is_int", True)
    dtype = context.dtype(0)
    if dtype == "bool":
        number = float(scalar != 0)
    elif is_integral and dtype in INTEGERS:
        number = among_integers(context, scalar, dtype)
    return context.node(name[: -len("_scalar")], context.input(0), number, dtype="bool")


@rule("_npi_logical_not")
def logical_not(context: NodeContext) -> Operand:
    """Convert ``np.logical_not``."""
    return context.node("logical_not", context.input(0), dtype="bool")


@rule(*_PREDICATES)
def predicate(context: NodeContext) -> Operand:
    """Convert ``np.isnan``, ``np.isinf`` and their like."""
    return context.node(_PREDICATES[context.operator], context.input(0))


@rule(*(f"_npi_{name}" for name in _UNARY))
def unary(context: NodeContext) -> Operand:
    """Convert functions of one tensor, such as ``np.exp``.

    MXNet 1 truncates the results of real functions for integers; MXNet 2 gives floating numbers.
    """
    kind, dtype = _UNARY[context.operator[len("_npi_") :]], context.dtype(0)
    if dtype not in INTEGERS or kind in _INTEGER_PRESERVING:
        return context.node(kind, context.input(0))
    if context.operator in FLOAT_RESULTS_SINCE_2 and context.version >= (2,):
        return context.node(kind, context.node("cast", context.input(0), dtype=float_for_integers(dtype)))
    return context.node(
        "cast", context.node(kind, context.node("cast", context.input(0), dtype="float64")), dtype=dtype
    )


@rule(*_ROUNDING)
def rounding(context: NodeContext) -> Operand:
    """Convert ``np.floor``, ``np.ceil``, ``np.trunc``, ``np.fix`` and ``np.rint``."""
    kind, attributes = _ROUNDING[context.operator]
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node(kind, context.input(0), **attributes)
    if context.version >= (2,) and (context.operator in FLOAT_RESULTS_SINCE_2 or dtype == "bool"):
        return context.node("cast", context.input(0), dtype=float_for_integers(dtype))
    return context.input(0)


@rule("_npi_around")
def around(context: NodeContext) -> Operand:
    """Convert ``np.around``: round to a number of decimals, halves to even.

    Raises:
        Refusal: Integers are rounded to tens or beyond, or no floating number has so many decimals.
    """
    decimals = context.attributes.int("decimals", 0)
    if abs(decimals) > _DECIMALS:
        context.refuse(f"decimals {decimals}, expected at most {_DECIMALS} on either side")
    x = context.input(0)
    if context.dtype(0) in INTEGERS:
        if decimals < 0:
            context.refuse(f"decimals {decimals} of integers")
        return x
    if not decimals:
        return context.node("round", x, ties="to_even")
    kinds = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    power = 10.0 ** abs(decimals)
    return context.node(kinds[1], context.node("round", context.node(kinds[0], x, power), ties="to_even"), power)


@rule("_npi_nan_to_num")
def nan_to_num(context: NodeContext) -> Operand:
    """Convert ``np.nan_to_num``: replace NaN and infinities."""
    context.attributes.ignore("copy")
    bounds = [context.attributes.optional_float(name, None) for name in ("posinf", "neginf")]
    if context.dtype(0) in INTEGERS:
        return context.input(0)
    nan = context.attributes.float("nan", 0.0)
    return context.node("nan_to_num", context.input(0), nan=nan, positive=bounds[0], negative=bounds[1])


@rule("_npi_where")
def where(context: NodeContext) -> Operand:
    """Convert ``np.where``."""
    return context.node("where", condition(context, 0), context.input(1), context.input(2), rows=False)


@rule("_npi_where_lscalar", "_npi_where_rscalar", "_npi_where_scalar2")
def where_scalar(context: NodeContext) -> Operand:
    """Convert ``np.where`` with one or two numbers."""
    if context.operator == "_npi_where_scalar2":
        x, y = context.attributes.float("x", 0.0), context.attributes.float("y", 0.0)
        return context.node("where", condition(context, 0), x, y, rows=False)
    number = context.attributes.float("scalar", 0.0)
    is_bool = context.dtype(1) == "bool"
    if is_bool:
        number = float(bool(number))
    elif context.dtype(1) in INTEGERS:
        if not math.isfinite(number):
            context.refuse(f"scalar={number} among integers of {context.dtype(1)}")
        number = float(math.trunc(number))
    operands = (number, context.input(1)) if context.operator == "_npi_where_lscalar" else (context.input(1), number)
    result = context.node("where", condition(context, 0), *operands, rows=False)
    return context.node("cast", result, dtype="bool") if is_bool else result


def condition(context: NodeContext, index: int) -> Operand:
    """Return an input cast to bool.

    Args:
        context: The node.
        index: The input's position.

    Returns:
        The input itself if it is known to be bool.
    """
    value = context.input(index)
    return value if context.dtype(index) == "bool" else context.node("cast", value, dtype="bool")


@rule("_npx_relu")
def relu(context: NodeContext) -> Operand:
    """Convert ``npx.relu``."""
    return context.node("relu", context.input(0))


@rule("_npx_sigmoid")
def sigmoid(context: NodeContext) -> Operand:
    """Convert ``npx.sigmoid``; the result for integers is truncated."""
    return sigmoid_of(context)


@rule("_npi_polyval")
def polynomial(context: NodeContext) -> Operand:
    """Convert ``np.polyval``."""
    return context.node("polynomial", context.input(0), context.input(1))
