"""Rules for arithmetic, comparison and selection.

MXNet's sources: src/operator/tensor/elemwise_binary*.cc, control_flow_op.cc, amp_cast.cc.

MXNet computes on integers in their own dtype: scalars are truncated, and so are the results of real functions. The
catalogue's operators do not, so casts are added around them.
"""

from __future__ import annotations

import math
from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.inference.dtypes import MIXED_PRECISION_DTYPES
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS, as_integer, integer_range

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

_SCALAR_FIRST = {
    "_rminus_scalar": "subtract",
    "_rdiv_scalar": "divide",
    "_rmod_scalar": "remainder",
    "_rpower_scalar": "power",
}

COMPARISON_KINDS = frozenset(
    {
        "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or",
        "logical_xor",
    }
)  # fmt: skip

_EXACT = 2.0**24
"""Whole numbers up to this one are written as integers, which leave the dtype of integers as it is."""

CLAMPING_KINDS = frozenset({"maximum", "minimum", "fmax", "fmin"})
"""Binary kinds that torch refuses for numbers beyond the dtype of integers."""

FLOAT_KINDS = frozenset({"power", "hypot"})
"""Binary kinds that MXNet computes in float32 for integers, and truncates."""


@rule(*_BINARY)
def binary(context: NodeContext) -> Operand:
    """Convert binary operators on two tensors: ``elemwise_*``, ``broadcast_*`` and their like."""
    return _apply(
        context,
        _BINARY[context.operator],
        context.input(0),
        context.input(1),
        context.dtype(0) or context.dtype(1),
    )


@rule(*_SCALAR, *_SCALAR_FIRST)
def with_scalar(context: NodeContext) -> Operand:
    """Convert binary operators on a tensor and a number: ``_plus_scalar``, ``_rminus_scalar`` and their like.

    Raises:
        Refusal: The number is not finite, or the tensor is declared as bools.
    """
    x, dtype = context.input(0), context.dtype(0)
    if dtype == "bool" and context.operator != "_plus_scalar":
        context.refuse("a bool and a number, which MXNet computes as bools")
    if dtype == "bool":
        x, dtype = context.node("cast", x, dtype="int64"), "int64"
    scalar = finite(context, "scalar", 1.0)
    number: Operand = scalar
    is_integral = context.attributes.bool("is_int", True)
    if dtype in INTEGERS:
        if is_integral:
            number = among_integers(context, scalar, dtype, wraps=_SCALAR.get(context.operator) not in CLAMPING_KINDS)
        else:
            dtype = "float64"
            x = context.node("cast", x, dtype=dtype)
    if context.operator in _SCALAR_FIRST:
        return _apply(context, _SCALAR_FIRST[context.operator], number, x, dtype)
    return _apply(context, _SCALAR[context.operator], x, number, dtype)


def finite(context: NodeContext, name: str, default: float) -> float:
    """Return a float attribute that becomes a literal operand.

    Args:
        context: The node.
        name: The attribute's name.
        default: The operator's default.

    Returns:
        A finite number.

    Raises:
        Refusal: The number is infinite or NaN, which a graph cannot store.
    """
    number = context.attributes.float(name, default)
    if not math.isfinite(number):
        context.refuse(f"{name} {number}")
    return number


def among_integers(context: NodeContext, number: float, dtype: str, wraps: bool = True) -> Operand:
    """Return a number as MXNet casts it to the dtype of the integers that it is combined with.

    Args:
        context: The node.
        number: A finite number.
        dtype: The name of the integer dtype.
        wraps: Whether torch takes the last bits of a number beyond the dtype.

    Returns:
        The number without its fraction. Beyond a dtype of 8 bits it stays, since torch takes its last bits, too. A
        number that float32 may not hold is a tensor, which leaves the dtype as it is; of one that no int32 is, MXNet
        takes the least int32, or its last bits.
    """
    if abs(number) > _EXACT or not wraps:
        number = as_integer(number, dtype) if dtype in ("int32", "int64") or abs(number) < 2**31 else 0
    number = float(math.trunc(number))
    return number if abs(number) <= _EXACT else context.node("full", shape=(), value=number, dtype=dtype)


def _apply(context: NodeContext, kind: str, a: Operand, b: Operand, dtype: str | None) -> Value:
    """Add a binary operator with MXNet's semantics for integers."""
    if dtype in INTEGERS and kind == "divide":
        kind = "integer_divide"
    if dtype in INTEGERS and kind in FLOAT_KINDS:
        a, b = (context.node("cast", x, dtype="float32") if isinstance(x, Value) else x for x in (a, b))
        return context.node("cast", context.node(kind, a, b), dtype=dtype)
    return context.node(kind, a, b, dtype=None) if kind in COMPARISON_KINDS else context.node(kind, a, b)


@rule("add_n")
def add_n(context: NodeContext) -> Operand:
    """Convert ``add_n``: the sum of all inputs."""
    total = context.input(0)
    for value in context.inputs()[1:]:
        total = context.node("add", total, value)
    return total


@rule("clip")
def clip(context: NodeContext) -> Operand:
    """Convert ``clip``: limit to a range.

    Raises:
        Refusal: The lower bound is not below the upper one, or no number of the dtype is between them.
    """
    bounds = [context.attributes.float(name) for name in ("a_min", "a_max")]
    if not bounds[0] <= bounds[1]:
        context.refuse(f"a_min {bounds[0]} is not below a_max {bounds[1]}")
    dtype = context.dtype(0)
    if dtype in INTEGERS:
        least, greatest = integer_range(dtype)
        bounds = [bound if math.isinf(bound) else float(math.trunc(bound)) for bound in bounds]
        if bounds[0] > greatest or bounds[1] < least:
            context.refuse(f"the range from {bounds[0]} to {bounds[1]}, which {dtype} does not reach")
        bounds = [bounds[0] if bounds[0] >= least else -math.inf, bounds[1] if bounds[1] <= greatest else math.inf]
    low, high = (None if math.isinf(bound) else bound for bound in bounds)
    return context.node("clamp", context.input(0), min=low, max=high)


@rule("where")
def where(context: NodeContext) -> Operand:
    """Convert ``where``: select elements by a condition; a condition with one axis selects rows."""
    return context.node("where", context.input(0), context.input(1), context.input(2), rows=True)


@rule("_contrib_quadratic")
def quadratic(context: NodeContext) -> Operand:
    """Convert ``_contrib_quadratic``: ``a * x**2 + b * x + c``.

    Raises:
        Refusal: A coefficient is not finite.
    """
    a, b, c = (finite(context, name, 0.0) for name in "abc")
    x, dtype = context.input(0), context.dtype(0)
    if dtype in INTEGERS:
        x = context.node("cast", x, dtype="float32")
    squared = context.node("multiply", context.node("square", x), a)
    result = context.node("add", context.node("add", squared, context.node("multiply", x, b)), c)
    return context.node("cast", result, dtype=dtype) if dtype in INTEGERS else result


@rule("Cast")
def cast(context: NodeContext) -> Operand:
    """Convert ``Cast``."""
    return context.node("cast", context.input(0), dtype=context.attributes.dtype("dtype"))


@rule("amp_cast")
def amp_cast(context: NodeContext) -> Operand:
    """Convert ``amp_cast``: a cast of mixed precision, which leaves dtypes other than float16, bfloat16 and float32.

    Raises:
        Refusal: It casts float32 to integers.
    """
    dtype = context.attributes.dtype("dtype")
    if dtype in INTEGERS and context.dtype(0) in (None, "float32"):
        context.refuse(f"a cast of float32 to {dtype}, which MXNet rounds and limits to the range of {dtype}")
    if context.dtype(0) not in (None, *MIXED_PRECISION_DTYPES):
        return context.input(0)
    return context.node("cast", context.input(0), dtype=dtype)


@rule("amp_multicast")
def amp_multicast(context: NodeContext) -> Sequence[Operand]:
    """Convert ``amp_multicast``: cast all inputs to the widest of their dtypes, or to the narrowest.

    Returns:
        The inputs in the common dtype, in order.
    """
    context.attributes.ignore("num_outputs")
    value = context.node("cast_to_common", *context.inputs(), narrowest=context.attributes.bool("cast_narrow", False))
    return [Value(value.node, output) for output in range(context.count)]
