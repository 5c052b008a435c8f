"""Reductions in NumPy mode: src/operator/numpy/np_broadcast_reduce_op_value.cc, np_norm_op.cc, np_percentile_op.cc.

A reduction of all axes gives a number without axes.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.dtypes import INTEGERS, dtype_of
from mxnet_to_neutral.op import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

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


@rule("_npi_cumsum")
def cumulative_sum(op: Op) -> Operand:
    value, dtype = op.input(0), op.attributes.optional_dtype("dtype", None)
    axis = op.attributes.optional_int("axis", None)
    if dtype is not None:
        value = op.node("cast", value, dtype=dtype)
    elif dtype_of(op, 0) in INTEGERS - {"bool"}:
        dtype = dtype_of(op, 0)
    if axis is None:
        value = op.node("reshape", value, shape=(-1,), from_end=False)
    value = op.node("cumulative_sum", value, axis=axis or 0)
    return value if dtype is None or dtype.startswith("float") else op.node("cast", value, dtype=dtype)


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


_ENTRYWISE = {None: "l2_norm", 1.0: "l1_norm", 2.0: "l2_norm"}


@rule("_npi_norm")
def norm(op: Op) -> Operand:
    """``flag`` says what was asked for: -2 all numbers as one vector, -1 the Frobenius norm, 0 a zero norm, 1 a norm of
    order ``ord`` of vectors or matrices, 2 one that needs singular values."""
    axes = op.attributes.ints_or_none("axis", None)
    order, flag = op.attributes.float("ord", 2.0), op.attributes.int("flag", -2)
    options: dict[str, Any] = {
        "exclude": False, "keepdim": op.attributes.bool("keepdims", False), "at_least_1d": False,
    }  # fmt: skip
    value = op.input(0)
    if dtype_of(op, 0) in INTEGERS:
        op.refuse("the norm of integers")
    if flag in (-2, -1):
        return op.node("l2_norm", value, axes=axes, **options)
    if flag == 2:
        op.refuse("a norm of singular values")
    if axes is None or len(axes) == 1:
        return _vector_norm(op, value, order, {"axes": axes, **options})
    rows, columns = axes
    first = {1.0: (rows, columns, "reduce_max"), -1.0: (rows, columns, "reduce_min")}
    second = {float("inf"): (columns, rows, "reduce_max"), float("-inf"): (columns, rows, "reduce_min")}
    if order not in {**first, **second}:
        op.refuse(f"a matrix norm of order {order}")
    added, chosen, kind = {**first, **second}[order]
    sums = op.node("l1_norm", value, axes=(added,), **{**options, "keepdim": True})
    result = op.node(kind, sums, axes=(chosen,), **{**options, "keepdim": True})
    return result if options["keepdim"] else op.node("squeeze", result, axes=(rows, columns), at_least_1d=False)


def _vector_norm(op: Op, value: Operand, order: float, options: dict[str, Any]) -> Value:
    if order in _ENTRYWISE:
        return op.node(_ENTRYWISE[order], value, **options)
    if order in (float("inf"), float("-inf")):
        kind = "reduce_max" if order > 0 else "reduce_min"
        return op.node(kind, op.node("abs", value), **options)
    if order == 0:
        return op.node("sum", op.node("not_equal", value, 0.0, dtype=None), **options)
    powers = op.node("sum", op.node("power", op.node("abs", value), order), **options)
    return op.node("power", powers, 1 / order)
