"""Quantiles, from sorted elements."""

from __future__ import annotations

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic
from neutral_to_onnx.registry import rule


@rule("quantile", single=True)
def quantile(node: NodeContext, x: OnnxValue, q: OnnxValue) -> OnnxValue:
    rank, whole = node.rank(x), node["axis"] is None
    axis = 0 if whole else node.axis(node["axis"], x)
    flat = node.reshape(x, [-1]) if whole else x
    count = node.vector([node.extent(flat, axis)])
    ordered = node.ops("TopK", [flat, count], 2, axis=axis, largest=0)[0]
    if axis:
        others = [number for number in range(rank) if number != axis]
        ordered = node.op("Transpose", ordered, perm=[axis, *others])
    last = node.cast(arithmetic(node, "Sub", node.op("Squeeze", count), 1), "float64")
    place = node.op("Mul", node.cast(q, "float64"), last)
    result = _interpolated(node, ordered, place, node.rank(ordered) - 1)
    if node["keepdim"]:
        start = node.rank(q)
        axes = list(range(start, start + rank)) if whole else [start + axis]
        result = node.op("Unsqueeze", result, node.ints(axes))
    return node.cast(result, x.dtype)


def _interpolated(node: NodeContext, ordered: OnnxValue, place: OnnxValue, rest: int) -> OnnxValue:
    """Return the elements at positions of the first axis, between two neighbours as the node says."""
    method = node["interpolation"]
    low, high = node.op("Floor", place), node.op("Ceil", place)
    if method == "nearest":
        low = high = node.op("Floor", arithmetic(node, "Add", place, 0.5))
    elif method in ("lower", "higher"):
        low = high = low if method == "lower" else high
    first = node.op("Gather", ordered, node.cast(low, "int64"), axis=0)
    if low is high:
        return first
    second = node.op("Gather", ordered, node.cast(high, "int64"), axis=0)
    first, second = (node.cast(value, "float64") for value in (first, second))
    if method == "midpoint":
        return arithmetic(node, "Div", node.op("Add", first, second), 2)
    share = node.op("Sub", place, low)
    if rest:
        share = node.op("Unsqueeze", share, node.ints(list(range(-rest, 0))))
    return node.op("Add", first, node.op("Mul", node.op("Sub", second, first), share))
