"""Reductions in NumPy mode: src/operator/numpy/np_broadcast_reduce_op_value.cc, np_norm_op.cc, np_percentile_op.cc.

A reduction of all axes gives a number without axes.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import INTEGERS, dtype_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_KINDS = {
    "sum": "sum",
    "prod": "product",
    "mean": "mean",
    "max": "reduce_max",
    "min": "reduce_min",
    "any": "any",
    "all": "all",
}

_STARTED = {"sum": "add", "product": "multiply", "reduce_max": "maximum", "reduce_min": "minimum"}
"""How the attribute initial takes part."""


@rule(*(f"_np{prefix}_{name}" for prefix in ("", "i") for name in _KINDS if (prefix, name) != ("", "mean")))
def reduction(op: Op) -> Operand:
    kind = _KINDS[op.operator.rpartition("_")[2]]
    value, dtype = op.input(0), dtype_of(op, 0)
    stated = op.attributes.optional_dtype("dtype", None)
    if stated is None and dtype in INTEGERS and kind == "mean":
        stated = "float32"
    if stated is not None and stated != dtype:
        value, dtype = op.node("cast", value, dtype=stated), stated
    if kind == "mean" and dtype in INTEGERS:
        op.refuse(f"the mean as {dtype}")
    result = op.node(kind, value, **_options(op))
    initial = op.attributes.optional_float("initial", None)
    if initial is not None and kind in _STARTED:
        result = op.node(_STARTED[kind], result, initial)
    if dtype in INTEGERS and kind in ("sum", "product") and (dtype != "bool" or stated == "bool"):
        result = op.node("cast", result, dtype=dtype)
    return result


def _options(op: Op) -> dict[str, Any]:
    return {
        "axes": op.attributes.ints_or_none("axis", None),
        "exclude": False,
        "keepdim": op.attributes.bool("keepdims", False),
        "at_least_1d": False,
    }


@rule("_npi_std", "_npi_var")
def deviation(op: Op) -> Operand:
    value, stated = op.input(0), op.attributes.optional_dtype("dtype", None)
    if (stated or dtype_of(op, 0)) in INTEGERS:
        op.refuse("the deviation of integers, as integers")
    if stated is not None and stated != dtype_of(op, 0):
        value = op.node("cast", value, dtype=stated)
    kind = "standard_deviation" if op.operator == "_npi_std" else "variance"
    return op.node(kind, value, correction=op.attributes.int("ddof", 0), **_options(op))


@rule("_npi_argmax", "_npi_argmin")
def extreme_position(op: Op) -> Operand:
    return op.node(
        op.operator[len("_npi_") :],
        op.input(0),
        axis=op.attributes.optional_int("axis", None),
        keepdim=op.attributes.bool("keepdims", False),
        at_least_1d=False,
        dtype="int64",
    )


@rule("_npi_average")
def average(op: Op) -> Sequence[Operand]:
    """The mean, or the sum weighted and divided by the sum of the weights; with returned, that sum too."""
    axes = op.attributes.ints_or_none("axis", None)
    weighted, returned = op.attributes.bool("weighted", True), op.attributes.bool("returned", False)
    if dtype_of(op, 0) in INTEGERS:
        op.refuse("the average of integers, as integers")
    if returned:
        op.refuse("returned: the sum of the weights")
    options: dict[str, Any] = {"axes": axes, "exclude": False, "keepdim": False, "at_least_1d": False}
    if not weighted:
        return [op.node("mean", op.input(0), **options)]
    if axes not in (None, (-1,)):
        op.refuse(f"weights along axis {axes}: they may be for its positions or for all elements")
    total = op.node("sum", op.node("multiply", op.input(0), op.input(1)), **options)
    return [op.node("divide", total, op.node("sum", op.input(1), **options))]


@rule("_npi_percentile")
def percentile(op: Op) -> Operand:
    axes = op.attributes.ints_or_none("axis", None)
    if axes is not None and len(axes) != 1:
        op.refuse(f"axes {axes}: one or all")
    if dtype_of(op, 0) in INTEGERS:
        op.refuse("the percentile of integers")
    share = op.attributes.optional_float("q_scalar", None)
    q: Operand = share / 100 if share is not None else op.node("divide", op.input(1), 100.0)
    return op.node(
        "quantile",
        op.input(0),
        q,
        axis=None if axes is None else axes[0],
        keepdim=op.attributes.bool("keepdims", False),
        interpolation=op.attributes.str("interpolation", "linear"),
    )


@rule("_npi_norm")
def norm(op: Op) -> Operand:
    """``flag`` says what was asked for: -2 or 1 all numbers as one vector, -1 a norm of order ``ord``, 0 and 2 one of
    singular values. The norms of matrices that are sums come as other operators."""
    axes = op.attributes.ints_or_none("axis", None)
    order, flag = op.attributes.float("ord", 2.0), op.attributes.int("flag", -2)
    value = op.input(0)
    options: dict[str, Any] = {
        "axes": axes,
        "exclude": False,
        "keepdim": op.attributes.bool("keepdims", False),
        "at_least_1d": False,
    }
    if dtype_of(op, 0) in INTEGERS:
        op.refuse("the norm of integers")
    if flag in (-2, 1):
        return op.node("l2_norm", value, **options)
    if flag != -1 or axes is None or len(axes) != 1:
        op.refuse("a norm of singular values, or of axes that are not said")
    if order in (1.0, 2.0):
        return op.node("l1_norm" if order == 1 else "l2_norm", value, **options)
    if order == 0:
        return op.node("sum", op.node("not_equal", value, 0.0, dtype=None), **options)
    powers = op.node("sum", op.node("power", op.node("abs", value), order), **options)
    return op.node("power", powers, 1 / order)
