"""Distinct elements, and how often elements occur."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic
from neutral_to_onnx.registry import rule


@rule("unique")
def unique(node: NodeContext, x: OnnxValue) -> list[OnnxValue]:
    dtype = x.dtype
    if dtype not in ("float32", "float64", "int64"):
        x = node.cast(x, "float32" if dtype == "float16" else "int64")
    attributes = {} if node["axis"] is None else {"axis": node["axis"]}
    if node.rank(x) == 0:
        x = node.reshape(x, [1])
    values, *places = node.ops("Unique", [x], 4, sorted=1, **attributes)
    return [node.cast(values, dtype), *places]


@rule("bincount")
def bincount(node: NodeContext, x: OnnxValue, weights: OnnxValue | None = None) -> OnnxValue:
    places = node.cast(x, "int64")
    largest = node.op("Add", node.reduce("ReduceMax", places, [0], keepdims=True), node.ints(1))
    length = node.op("Max", largest, node.ints(node["min_length"]))
    if weights is None:
        weights = node.op("Expand", node.like(1, x), node.op("Shape", x))
    return _summed(node, places, weights, length)


def _summed(node: NodeContext, places: OnnxValue, values: OnnxValue, length: OnnxValue) -> OnnxValue:
    """Return the sums of the values at each place of a vector."""
    dtype = values.dtype
    if dtype not in ("float32", "float64", "int64"):
        values = node.cast(values, "float32" if dtype == "float16" else "int64")
    zeros = node.op("Expand", node.like(0, values), length)
    return node.cast(node.op("ScatterElements", zeros, places, values, axis=0, reduction="add"), dtype)


@rule("histogram")
def histogram(node: NodeContext, x: OnnxValue, edges: OnnxValue | None = None) -> tuple[OnnxValue, OnnxValue]:
    x = node.reshape(x, [-1])
    if edges is None:
        return _even_histogram(node, x)
    above = node.op("GreaterOrEqual", node.op("Unsqueeze", x, node.ints(1)), edges)
    bins = node.op("Sub", node.reduce("ReduceSum", node.cast(above, "int64"), [1], keepdims=False), node.ints(1))
    count = node.op("Sub", node.op("Shape", edges), node.ints(1))
    first, last = (node.op("Gather", edges, node.constant(index, "int64"), axis=0) for index in (0, -1))
    valid = node.op("And", node.op("GreaterOrEqual", x, first), node.op("LessOrEqual", x, last))
    return _counts(node, bins, valid, count), edges


def _even_histogram(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    count, low, high = node["count"], node["low"], node["high"]
    places = np.arange(count + 1)
    bounds = ((high * places + (count - places) * low) / count).astype(x.dtype)
    edges, wide = node.constant(bounds, x.dtype), node.cast(x, "float64")
    low_edge, high_edge = node.constant(low, "float64"), node.constant(high, "float64")
    valid = node.op("And", node.op("GreaterOrEqual", wide, low_edge), node.op("LessOrEqual", wide, high_edge))
    scaled = node.op("Mul", node.op("Sub", wide, low_edge), node.constant(float(count), "float64"))
    bins = node.op("Div", scaled, node.constant(high - low, "float64"))
    bins = node.cast(node.op("Where", valid, bins, node.constant(0.0, "float64")), "int64")
    last = node.constant(count - 1, "int64")
    bins = node.op("Min", bins, last)
    below = node.op("Less", x, node.op("Gather", edges, bins, axis=0))
    bins = node.op("Sub", bins, node.cast(below, "int64"))
    upper = node.op("Gather", edges, node.op("Add", bins, node.constant(1, "int64")), axis=0)
    above = node.op("And", node.op("GreaterOrEqual", x, upper), node.op("Less", bins, last))
    bins = node.op("Add", bins, node.cast(above, "int64"))
    return _counts(node, bins, valid, node.ints(count)), edges


def _counts(node: NodeContext, bins: OnnxValue, valid: OnnxValue, count: OnnxValue) -> OnnxValue:
    """Return how often each bin occurs where it is valid."""
    last = node.op("Sub", count, node.ints(1))
    bins = node.op("Min", node.op("Max", bins, node.ints(0)), last)
    return _summed(node, bins, node.cast(valid, "int64"), count)


@rule("interpolate")
def interpolate(node: NodeContext, x: OnnxValue, places: OnnxValue, values: OnnxValue) -> OnnxValue:
    x, places, values = (node.cast(value, "float64") for value in (x, places, values))
    if node["period"] is not None:
        return _interpolate_periodically(node, x, places, values)
    first, last = node.ints([0]), node.ints([-1])
    after = _places_before(node, x, places)
    before = node.op("Max", node.op("Sub", after, node.ints(1)), node.ints(0))
    count = node.op("Sub", node.op("Shape", places), node.ints(1))
    after = node.op("Min", node.op("Max", after, node.ints(1)), count)
    result = _between(node, x, places, values, before, after)
    place = node.op("Gather", places, before)
    result = node.op("Where", node.op("Equal", x, place), node.op("Gather", values, before), result)
    for name, end, op_type in (("left", first, "Less"), ("right", last, "Greater")):
        value = node.op("Gather", values, end) if node[name] is None else node.constant([node[name]], "float64")
        beyond = node.op(op_type, x, node.op("Gather", places, end))
        result = node.op("Where", beyond, value, result)
    return node.reshape(result, []) if node.rank(x) == 0 else result


def _interpolate_periodically(node: NodeContext, x: OnnxValue, places: OnnxValue, values: OnnxValue) -> OnnxValue:
    x, places = _reduced(node, x), _reduced(node, places)
    count = node.op("Shape", places)
    places, order = node.ops("TopK", [places, count], 2, largest=0, axis=-1)
    values = node.op("Gather", values, order)
    first, last = node.ints([0]), node.ints([-1])
    before = _places_before(node, x, places)
    starts, ends = node.op("Gather", places, first), node.op("Gather", places, last)
    earlier, later = arithmetic(node, "Sub", ends, node["period"]), arithmetic(node, "Add", starts, node["period"])
    places = node.op("Concat", earlier, places, later, axis=0)
    values = node.op("Concat", node.op("Gather", values, last), values, node.op("Gather", values, first), axis=0)
    result = _between(node, x, places, values, before, node.op("Add", before, node.ints(1)))
    return node.reshape(result, []) if node.rank(x) == 0 else result


def _reduced(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return numbers modulo the period, with its sign."""
    quotient = node.op("Floor", arithmetic(node, "Div", x, node["period"]))
    return node.op("Sub", x, arithmetic(node, "Mul", quotient, node["period"]))


def _places_before(node: NodeContext, x: OnnxValue, places: OnnxValue) -> OnnxValue:
    """Return how many places are at most x."""
    before = node.op("GreaterOrEqual", node.op("Unsqueeze", x, node.ints([-1])), places)
    return node.reduce("ReduceSum", node.cast(before, "int64"), (-1,), False)


def _between(
    node: NodeContext, x: OnnxValue, places: OnnxValue, values: OnnxValue, before: OnnxValue, after: OnnxValue
) -> OnnxValue:
    """Interpolate between the points of two numbers."""
    low, high = node.op("Gather", places, before), node.op("Gather", places, after)
    share = node.op("Div", node.op("Sub", x, low), node.op("Sub", high, low))
    part = node.op("Mul", node.op("Gather", values, before), node.op("Sub", node.like(1, share), share))
    return node.op("Add", part, node.op("Mul", node.op("Gather", values, after), share))
