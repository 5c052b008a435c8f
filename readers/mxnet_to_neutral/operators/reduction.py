"""Reductions: src/operator/tensor/broadcast_reduce_op*.cc, np_cumsum.cc, nn/moments.cc.

MXNet reduces integers in their own type; casts around the neutral operators say so.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import dtype_of, is_integer
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_KINDS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "product",
    "nansum": "nan_sum",
    "nanprod": "nan_product",
    "max": "reduce_max",
    "min": "reduce_min",
}

_OF_FLOATS = ("mean", "nan_sum", "nan_product")


@rule(*_KINDS)
def reduction(op: Op) -> Operand:
    kind = _KINDS[op.operator]
    value, dtype = op.input(0), dtype_of(op, 0)
    integer = is_integer(op, 0)
    if integer and kind in _OF_FLOATS:
        value = op.node("cast", value, dtype="float64")
    value = op.node(
        kind,
        value,
        axes=op.attributes.ints_or_none("axis", None) or None,
        exclude=op.attributes.bool("exclude", False),
        **_result(op),
    )
    if integer and not kind.startswith("reduce_"):
        value = op.node("cast", value, dtype=dtype)
    return value


def _result(op: Op) -> dict[str, Any]:
    """How the result's shape is made."""
    return {"keepdim": op.attributes.bool("keepdims", False), "at_least_1d": not op.numpy_shape}


@rule("norm")
def norm(op: Op) -> Operand:
    order = op.attributes.int("ord", 2)
    if order not in (1, 2):
        op.refuse(f"ord {order}: MXNet computes 1 and 2 only")
    if is_integer(op, 0):
        op.refuse("the norm of integers, which MXNet rounds on the way")
    out_dtype = op.attributes.optional_dtype("out_dtype", None)
    if out_dtype not in (None, dtype_of(op, 0) or "float32"):
        op.refuse(f"out_dtype {out_dtype}")
    axes = op.attributes.ints_or_none("axis", None) or None
    return op.node(f"l{order}_norm", op.input(0), axes=axes, exclude=False, **_result(op))


@rule("argmax", "argmin")
def extreme_position(op: Op) -> Operand:
    axis = op.attributes.optional_int("axis", None)
    return op.node(op.operator, op.input(0), axis=axis, dtype=None, **_result(op))


@rule("argmax_channel")
def argmax_channel(op: Op) -> Operand:
    return op.node("argmax", op.input(0), axis=1, dtype=None, keepdim=False, at_least_1d=not op.numpy_shape)


@rule("moments")
def moments(op: Op) -> Sequence[Operand]:
    axes = op.attributes.ints_or_none("axes", None)
    if not axes:
        op.refuse("moments over no axes")
    options: dict[str, Any] = {"axes": axes, "exclude": False, **_result(op)}
    return [op.node("mean", op.input(0), **options), op.node("variance", op.input(0), correction=0, **options)]


@rule("_np_cumsum", "_npi_cumsum")
def cumulative_sum(op: Op) -> Operand:
    value, dtype = op.input(0), op.attributes.optional_dtype("dtype", None)
    axis = op.attributes.optional_int("axis", None)
    if dtype is not None:
        value = op.node("cast", value, dtype=dtype)
    elif is_integer(op, 0) and dtype_of(op, 0) != "bool":
        dtype = dtype_of(op, 0)
    if axis is None:
        value = op.node("reshape", value, shape=(-1,), from_end=False)
    value = op.node("cumulative_sum", value, axis=axis or 0)
    return value if dtype is None or dtype.startswith("float") else op.node("cast", value, dtype=dtype)
