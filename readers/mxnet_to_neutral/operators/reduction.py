"""Rules for reductions: src/operator/tensor/broadcast_reduce_op*.cc, np_cumsum.cc, nn/moments.cc.

MXNet reduces integers in their own dtype, for which casts are added.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS

_KINDS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "product",
    "nansum": "nan_sum",
    "nanprod": "nan_product",
    "max": "reduce_max",
    "min": "reduce_min",
}


@rule(*_KINDS)
def reduction(context: NodeContext) -> Operand:
    """Convert ``sum``, ``mean``, ``prod``, ``nansum``, ``nanprod``, ``max`` and ``min``.

    The sum of a mean of integers has their own dtype, in which it may overflow.
    """
    kind = _KINDS[context.operator]
    value, dtype = context.input(0), context.dtype(0)
    integer = context.dtype(0) in INTEGERS
    if integer and kind in ("nan_sum", "nan_product"):
        value = context.node("cast", value, dtype="float64")
    options = {
        "axes": context.attributes.ints_or_none("axis", None) or None,
        "exclude": context.attributes.bool("exclude", False),
        **_result_shape(context),
    }
    if dtype == "bool" and kind == "mean":  # their sum is True if any is, and so is its quotient
        return context.node("any", value, **options)
    if integer and kind == "mean":
        return _integer_mean(context, value, options)
    value = context.node(kind, value, **options)
    if integer and not kind.startswith("reduce_"):
        value = context.node("cast", value, dtype=dtype)
    return value


def _integer_mean(context: NodeContext, value: Operand, options: Mapping[str, Any]) -> Value:
    """Return the mean of integers, whose sum has their own dtype and overflows in it, without its fraction."""
    total = context.node("cast", context.node("sum", value, **options), dtype=context.dtype(0))
    count = context.node("sum", context.node("full_like", value, value=1.0), **options)
    return context.node("cast", context.node("integer_divide", total, count), dtype=context.dtype(0))


def _result_shape(context: NodeContext) -> dict[str, Any]:
    """Return the attributes that say which axes the result has."""
    return {"keepdim": context.attributes.bool("keepdims", False), "at_least_1d": True}


@rule("norm")
def norm(context: NodeContext) -> Operand:
    """Convert ``norm``: the L1 or L2 norm.

    Raises:
        Refusal: Another order, an integer dtype, or an ``out_dtype`` that differs from the input's dtype.
    """
    order = context.attributes.int("ord", 2)
    if order not in (1, 2):
        context.refuse(f"ord {order}: MXNet computes 1 and 2 only")
    if context.dtype(0) in INTEGERS:
        context.refuse("the norm of integers, which MXNet rounds on the way")
    out_dtype = context.attributes.optional_dtype("out_dtype", None)
    if out_dtype not in (None, context.dtype(0) or "float32"):
        context.refuse(f"out_dtype {out_dtype}")
    axes = context.attributes.ints_or_none("axis", None) or None
    return context.node(f"l{order}_norm", context.input(0), axes=axes, exclude=False, **_result_shape(context))


@rule("argmax", "argmin")
def extreme_position(context: NodeContext) -> Operand:
    """Convert ``argmax`` and ``argmin``, in the dtype of the input."""
    axis = context.attributes.optional_int("axis", None)
    return context.node(context.operator, context.input(0), axis=axis, dtype=None, **_result_shape(context))


@rule("argmax_channel")
def argmax_channel(context: NodeContext) -> Operand:
    """Convert ``argmax_channel``: the argmax over axis 1."""
    return context.node("argmax", context.input(0), axis=1, dtype=None, keepdim=False, at_least_1d=True)


@rule("moments")
def moments(context: NodeContext) -> Sequence[Operand]:
    """Convert ``moments``.

    Returns:
        Mean and variance; of integers in their own dtype.

    Raises:
        Refusal: There are no axes.
    """
    axes = context.attributes.ints_or_none("axes", None)
    if not axes:
        context.refuse("moments over no axes")
    options: dict[str, Any] = {"axes": axes, "exclude": False, **_result_shape(context)}
    value = context.input(0)
    if context.dtype(0) not in INTEGERS:
        return [context.node("mean", value, **options), context.node("variance", value, correction=0, **options)]
    centre = _integer_mean(context, value, {**options, "keepdim": True})
    deviation = context.node("subtract", value, centre)
    squares = context.node("multiply", deviation, deviation)
    return [_integer_mean(context, value, options), _integer_mean(context, squares, options)]


@rule("_np_cumsum", "_npi_cumsum")
def cumulative_sum(context: NodeContext) -> Operand:
    """Convert ``np.cumsum``; without an axis the input is flattened."""
    value, dtype = context.input(0), context.attributes.optional_dtype("dtype", None)
    axis = context.attributes.optional_int("axis", None)
    if dtype is not None:
        value = context.node("cast", value, dtype=dtype)
    elif context.dtype(0) in INTEGERS and context.dtype(0) != "bool":
        dtype = context.dtype(0)
    if axis is None:
        value = context.node("reshape", value, shape=(-1,), from_end=False)
    value = context.node("cumulative_sum", value, axis=axis or 0)
    return value if dtype is None or dtype.startswith("float") else context.node("cast", value, dtype=dtype)
