"""Rules for reductions in NumPy mode.

MXNet's sources: src/operator/numpy/np_broadcast_reduce_op_value.cc, np_norm_op.cc, np_percentile_op.cc.

A reduction over all axes gives a scalar, a tensor without axes.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand
from neutral.operators.dtypes import INTEGERS

_KINDS = {
    "sum": "sum",
    "prod": "product",
    "mean": "mean",
    "max": "reduce_max",
    "min": "reduce_min",
    "any": "any",
    "all": "all",
}

_COMBINE_WITH_INITIAL = {"sum": "add", "product": "multiply", "reduce_max": "maximum", "reduce_min": "minimum"}
"""The kind that combines a reduction with the attribute ``initial``."""


@rule(*(f"_np{prefix}_{name}" for prefix in ("", "i") for name in _KINDS if (prefix, name) != ("", "mean")))
def reduction(context: NodeContext) -> Operand:
    """Convert ``np.sum``, ``prod``, ``mean``, ``max``, ``min``, ``any`` and ``all``.

    Raises:
        Refusal: A mean in an integer dtype.
    """
    kind = _KINDS[context.operator.rpartition("_")[2]]
    value, dtype = context.input(0), context.dtype(0)
    stated = context.attributes.optional_dtype("dtype", None)
    if stated is None and dtype in INTEGERS and kind == "mean":
        stated = "float32"
    if kind == "mean" and (stated or dtype) in INTEGERS:
        context.refuse(f"the mean as {stated or dtype}")
    truncated = stated in INTEGERS and dtype not in INTEGERS  # MXNet reduces floating numbers as such
    if stated is not None and stated != dtype and not truncated:
        value, dtype = context.node("cast", value, dtype=stated), stated
    if kind in ("any", "all") and dtype == "uint8":
        value = context.node("cast", value, dtype="bool")  # torch gives uint8 for uint8
    result = context.node(kind, value, **_options(context))
    initial = context.attributes.optional_float("initial", None)
    if initial is not None and kind in _COMBINE_WITH_INITIAL:
        result = context.node(_COMBINE_WITH_INITIAL[kind], result, initial)
    if dtype in INTEGERS and kind in ("sum", "product") and (dtype != "bool" or stated == "bool"):
        result = context.node("cast", result, dtype=dtype)
    return context.node("cast", result, dtype=stated) if truncated else result


def _options(context: NodeContext) -> dict[str, Any]:
    """Return the attributes that all reductions share."""
    return {
        "axes": context.attributes.ints_or_none("axis", None),
        "exclude": False,
        "keepdim": context.attributes.bool("keepdims", False),
        "at_least_1d": False,
    }


@rule("_npi_std", "_npi_var")
def deviation(context: NodeContext) -> Operand:
    """Convert ``np.std`` and ``np.var``.

    Raises:
        Refusal: The input or the result has an integer dtype.
    """
    value, stated = context.input(0), context.attributes.optional_dtype("dtype", None)
    if stated in INTEGERS or context.dtype(0) in INTEGERS:
        context.refuse("the deviation of integers, from whose mean MXNet drops the fraction")
    if context.dtype(0) == "float16" and stated not in (None, "float16"):
        return _wider_deviation(context, stated)
    if stated is not None and stated != context.dtype(0):
        value = context.node("cast", value, dtype=stated)
    kind = "standard_deviation" if context.operator == "_npi_std" else "variance"
    return context.node(kind, value, correction=context.attributes.int("ddof", 0), **_options(context))


def _wider_deviation(context: NodeContext, dtype: str) -> Operand:
    """Convert the deviation of float16 in a wider dtype: MXNet rounds the squares, and all before, to float16."""
    axes = context.attributes.ints_or_none("axis", None)
    if axes == ():
        context.refuse("the deviation over no axes")
    variance = context.node(
        "half_variance",
        context.input(0),
        axes=axes,
        keepdim=context.attributes.bool("keepdims", False),
        correction=context.attributes.int("ddof", 0),
        dtype=dtype,
    )
    return context.node("sqrt", variance) if context.operator == "_npi_std" else variance


@rule("_npi_argmax", "_npi_argmin")
def extreme_position(context: NodeContext) -> Operand:
    """Convert ``np.argmax`` and ``np.argmin``, of dtype int64."""
    value = context.input(0)
    return context.node(
        context.operator[len("_npi_") :],
        context.node("cast", value, dtype="uint8") if context.dtype(0) == "bool" else value,
        axis=context.attributes.optional_int("axis", None),
        keepdim=context.attributes.bool("keepdims", False),
        at_least_1d=False,
        dtype="int64",
    )


@rule("_npi_average")
def average(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.average``: the mean, or the weighted sum divided by the sum of the weights.

    Returns:
        The average and the sum of the weights; without weights, their number as a scalar.

    Raises:
        Refusal: The dtype is an integer, or the weights belong to an axis other than the last one.
    """
    axes = context.attributes.ints_or_none("axis", None)
    weighted = context.attributes.bool("weighted", True)
    context.attributes.ignore("returned")  # MXNet computes the second output in any case
    if context.dtype(0) in INTEGERS:
        context.refuse("the average of integers, as integers")
    options: dict[str, Any] = {"axes": axes, "exclude": False, "keepdim": False, "at_least_1d": False}
    if not weighted:
        counts = context.node("sum", context.node("full_like", context.input(0), value=1.0), **options)
        count = counts if axes is None else context.node("reduce_max", counts, **{**options, "axes": None})
        return [context.node("mean", context.input(0), **options), count]
    if axes not in (None, (-1,)):
        context.refuse(f"weights along axis {axes}: they may be for its positions or for all elements")
    total = context.node("sum", context.node("multiply", context.input(0), context.input(1)), **options)
    weights = context.node("sum", context.input(1), **options)
    return [context.node("divide", total, weights), weights]


@rule("_npi_percentile")
def percentile(context: NodeContext) -> Operand:
    """Convert ``np.percentile`` and ``np.quantile``; MXNet gives float32 for float16.

    Raises:
        Refusal: Several but not all axes, or an integer dtype.
    """
    axes = context.attributes.ints_or_none("axis", None)
    if axes is not None and len(axes) != 1:
        context.refuse(f"axes {axes}: one or all")
    if context.dtype(0) in INTEGERS:
        context.refuse("the percentile of integers")
    percent = context.attributes.optional_float("q_scalar", None)
    q: Operand = percent / 100 if percent is not None else context.node("divide", context.input(1), 100.0)
    value = context.input(0)
    return context.node(
        "quantile",
        context.node("cast", value, dtype="float32") if context.dtype(0) == "float16" else value,
        q,
        axis=None if axes is None else axes[0],
        keepdim=context.attributes.bool("keepdims", False),
        interpolation=context.attributes.str("interpolation", "linear"),
    )


@rule("_npi_norm")
def norm(context: NodeContext) -> Operand:
    """Convert ``np.linalg.norm`` of vectors.

    ``flag`` is the case: -2 and 1 the L2 norm of all elements or over axes, -1 a norm of order ``ord`` along one axis,
    0 and 2 norms of singular values. Matrix norms that are sums come as other operators.

    Raises:
        Refusal: The dtype is an integer, or the norm needs singular values.
    """
    axes = context.attributes.ints_or_none("axis", None)
    order, flag = context.attributes.float("ord", 2.0), context.attributes.int("flag", -1)
    value = context.input(0)
    options: dict[str, Any] = {
        "axes": axes,
        "exclude": False,
        "keepdim": context.attributes.bool("keepdims", False),
        "at_least_1d": False,
    }
    if context.dtype(0) in INTEGERS:
        context.refuse("the norm of integers")
    if flag in (-2, 1):
        return context.node("l2_norm", value, **options)
    if flag != -1 or axes is None or len(axes) != 1:
        context.refuse("a norm of singular values, or of axes that are not said")
    if order in (1.0, 2.0):
        return context.node("l1_norm" if order == 1 else "l2_norm", value, **options)
    if order == 0:
        return context.node("sum", context.node("not_equal", value, 0.0, dtype=None), **options)
    powers = context.node("sum", context.node("power", context.node("abs", value), order), **options)
    return context.node("power", powers, 1 / order)
