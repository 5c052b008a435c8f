"""Multi-head attention. T and S are lengths, N the batch, H heads and D the elements of a head."""

from __future__ import annotations

import math

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import positions
from neutral_to_onnx.registry import NeedsShape, rule


def _heads(node: NodeContext, x: OnnxValue, parts: int = 1, part: int = 0) -> tuple[OnnxValue, int]:
    """Return (T, N*H, D) of one of the parts of (T, N, H*parts*D), and D."""
    extent = node.extent(x, 2)
    if not isinstance(extent, int):
        raise NeedsShape("the size of a head is unknown")
    size = extent // (node["heads"] * parts)
    time = node.extent(x, 0)
    if parts == 1:
        return node.reshape(x, [time, _samples(node, x), size]), size
    split = node.reshape(x, [time, _samples(node, x), parts, size])
    return node.op("Gather", split, node.constant(part, "int64"), axis=2), size


def _samples(node: NodeContext, x: OnnxValue) -> int:
    samples = node.extent(x, 1)
    return samples * int(node["heads"]) if isinstance(samples, int) else -1


def _scores(node: NodeContext, query: OnnxValue, key: OnnxValue, size: int) -> OnnxValue:
    """Return (N*H, T, S)."""
    query = node.op("Mul", query, node.like(1 / math.sqrt(size), query))
    return node.op("MatMul", node.op("Transpose", query, perm=[1, 0, 2]), node.op("Transpose", key, perm=[1, 2, 0]))


def _values(node: NodeContext, value: OnnxValue, weights: OnnxValue, source: OnnxValue, size: int) -> OnnxValue:
    """Return (T, N, H*D)."""
    product = node.op("MatMul", weights, node.op("Transpose", value, perm=[1, 0, 2]))
    joined = node.op("Transpose", product, perm=[1, 0, 2])
    samples = node.extent(source, 1)
    return node.reshape(
        joined, [node.extent(joined, 0), samples if isinstance(samples, int) else -1, node["heads"] * size]
    )


@rule("attention_scores", single=True)
def attention_scores(node: NodeContext, query: OnnxValue, key: OnnxValue) -> OnnxValue:
    queries, size = _heads(node, query)
    return _scores(node, queries, _heads(node, key)[0], size)


@rule("attention_values", single=True)
def attention_values(node: NodeContext, value: OnnxValue, weights: OnnxValue) -> OnnxValue:
    values, size = _heads(node, value)
    return _values(node, values, weights, value, size)


@rule("self_attention_scores", single=True)
def self_attention_scores(node: NodeContext, joined: OnnxValue) -> OnnxValue:
    queries, size = _heads(node, joined, 3, 0)
    return _scores(node, queries, _heads(node, joined, 3, 1)[0], size)


@rule("self_attention_values", single=True)
def self_attention_values(node: NodeContext, joined: OnnxValue, weights: OnnxValue) -> OnnxValue:
    values, size = _heads(node, joined, 3, 2)
    return _values(node, values, weights, joined, size)


@rule("cross_attention_scores", single=True)
def cross_attention_scores(node: NodeContext, query: OnnxValue, joined: OnnxValue) -> OnnxValue:
    queries, size = _heads(node, query)
    return _scores(node, queries, _heads(node, joined, 2, 0)[0], size)


@rule("cross_attention_values", single=True)
def cross_attention_values(node: NodeContext, joined: OnnxValue, weights: OnnxValue) -> OnnxValue:
    values, size = _heads(node, joined, 2, 1)
    return _values(node, values, weights, joined, size)


def _in_windows(node: NodeContext, x: OnnxValue, dilation: OnnxValue) -> OnnxValue:
    """Return the vectors (N, T, H, places, D) in the windows of (N, T, H, D)."""
    before, after = node["before"], node["after"]
    heads = node.extent(x, 2)
    if not isinstance(heads, int):
        raise NeedsShape("the number of heads is unknown")
    steps = node.op("Mul", node.op("Unsqueeze", node.cast(dilation, "int64"), node.ints([-1])),
                    node.ints(list(range(-before, after + 1))))  # fmt: skip
    times = node.op("Unsqueeze", positions(node, x, 1), node.ints([1, 2]))
    places = node.op("Add", times, steps)
    last = node.op("Sub", node.vector([node.extent(x, 1)]), node.ints(1))
    index = node.op("Min", node.op("Max", places, node.ints(0)), last)
    inside = node.cast(node.op("Equal", index, places), x.dtype)
    numbers = node.op("Unsqueeze", node.ints(list(range(heads))), node.ints([-1]))
    index = node.op("Add", node.op("Mul", index, node.ints(heads)), numbers)
    flat = node.reshape(x, [node.extent(x, 0), -1, node.extent(x, 3)])
    found = node.op("Gather", flat, index, axis=1)
    return node.op("Mul", found, node.op("Unsqueeze", inside, node.ints([-1])))


@rule("window_attention_scores", single=True)
def window_attention_scores(node: NodeContext, query: OnnxValue, key: OnnxValue, dilation: OnnxValue) -> OnnxValue:
    keys = _in_windows(node, key, dilation)
    return node.op("Squeeze", node.op("MatMul", keys, node.op("Unsqueeze", query, node.ints([-1]))), node.ints([-1]))


@rule("window_attention_values", single=True)
def window_attention_values(node: NodeContext, weights: OnnxValue, value: OnnxValue, dilation: OnnxValue) -> OnnxValue:
    values = _in_windows(node, value, dilation)
    return node.op(
        "Squeeze", node.op("MatMul", node.op("Unsqueeze", weights, node.ints([-2])), values), node.ints([-2])
    )


@rule("window_attention_mask")
def window_attention_mask(node: NodeContext, scores: OnnxValue, dilation: OnnxValue, lengths: OnnxValue) -> OnnxValue:
    before, after = node["before"], node["after"]
    position = node.op("Unsqueeze", positions(node, scores, 1), node.ints([1, 2]))
    place = node.ints(list(range(before + after + 1)))
    step = node.op("Unsqueeze", node.cast(dilation, "int64"), node.ints([-1]))
    length = node.op("Unsqueeze", node.cast(lengths, "int64"), node.ints([1, 2, 3]))
    left = node.op("Sub", node.ints(before), node.op("Div", position, step))
    valid = node.op("And", node.op("Less", position, length), node.op("GreaterOrEqual", place, left))
    if after:
        rest = node.op("Sub", node.op("Sub", length, position), node.ints(1))
        right = node.op("Sub", node.ints(after), node.op("Div", rest, step))
        distance = node.ints(list(range(before + after, -1, -1)))
        valid = node.op("And", valid, node.op("GreaterOrEqual", distance, right))
    return node.op("Expand", node.cast(valid, "float32"), node.op("Shape", scores))
