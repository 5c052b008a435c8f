"""Rules for distinct elements, and for counts of elements.

MXNet's sources: src/operator/numpy/np_unique_op.cc, np_bincount_op.cc, tensor/histogram.cc.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


@rule("_npi_unique")
def unique(context: NodeContext) -> Sequence[Operand]:
    """Convert ``np.unique``.

    Returns:
        The distinct elements, and those of first positions, the inverse and counts that are asked for.
    """
    values = context.node("unique", context.input(0), axis=context.attributes.optional_int("axis", None))
    names = ("return_index", "return_inverse", "return_counts")
    wanted = [context.attributes.bool(name, False) for name in names]
    return [values, *(Value(values.node, index) for index, is_wanted in enumerate(wanted, 1) if is_wanted)]


@rule("_npi_bincount")
def bincount(context: NodeContext) -> Operand:
    """Convert ``np.bincount``, with weights or without."""
    weights = [context.input(1)] if context.attributes.bool("has_weights", False) else []
    length = context.attributes.int("minlength", 0, minimum=0)
    return context.node("bincount", context.input(0), *weights, min_length=length)


@rule("_histogram")
def histogram(context: NodeContext) -> Sequence[Operand]:
    """Convert ``histogram``, with edges or with a number of bins.

    Returns:
        The counts and the edges.

    Raises:
        Refusal: Of the number of bins and their range one is missing, or the range is empty.
    """
    count = context.attributes.optional_int("bin_cnt", None)
    bounds = None if context.attributes.optional_str("range", None) is None else context.attributes.floats("range")
    if (count is None) != (bounds is None):
        context.refuse("a number of bins without their range, or a range without a number")
    if count is None or bounds is None:
        counts = context.node("histogram", context.input(0), context.input(1), count=None, low=None, high=None)
        return [counts, Value(counts.node, 1)]
    if len(bounds) != 2 or bounds[0] > bounds[1]:
        context.refuse(f"range {bounds}")
    low, high = bounds if bounds[0] < bounds[1] else (bounds[0] - 0.5, bounds[1] + 0.5)
    counts = context.node("histogram", context.input(0), count=count, low=low, high=high)
    return [counts, Value(counts.node, 1)]


@rule("_npi_interp")
def interpolate(context: NodeContext) -> Operand:
    """Convert ``np.interp``: linear interpolation between points.

    Raises:
        Refusal: The period is 0.
    """
    ends: dict[str, Any] = {name: context.attributes.optional_float(name, None) for name in ("left", "right", "period")}
    if ends["period"] == 0:
        context.refuse("period=0")
    at = context.attributes.float("x_scalar", 0.0)
    if context.attributes.bool("x_is_scalar", False):
        place: Operand = context.node("full", shape=(), value=at, dtype="float64")
    else:
        place = context.input(2)
    return context.node("interpolate", place, context.input(0), context.input(1), **ends)
