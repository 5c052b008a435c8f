"""Sorting, and selection of elements by index."""

from __future__ import annotations

import math

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.elementwise import truth
from neutral_to_onnx.registry import rule


def _top(node: NodeContext, x: OnnxValue, count: int | None, largest: bool) -> tuple[OnnxValue, OnnxValue]:
    """Return the first elements in order, and their positions; of equal ones the first position first."""
    axis = node.axis(node["axis"], x)
    number = node.vector([node.extent(x, axis) if count is None else count])
    values, positions = node.ops("TopK", [x, number], 2, axis=axis, largest=int(largest), sorted=1)
    return values, positions


@rule("sort")
def sort(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    return _top(node, x, None, node["descending"])


@rule("top_k")
def top_k(node: NodeContext, x: OnnxValue) -> tuple[OnnxValue, OnnxValue]:
    return _top(node, x, node["count"], node["largest"])


@rule("top_k_mask")
def top_k_mask(node: NodeContext, x: OnnxValue) -> OnnxValue:
    _, positions = _top(node, x, node["count"], node["largest"])
    zeros = node.op("Expand", node.like(0, x), node.op("Shape", x))
    ones = node.op("Expand", node.like(1, x), node.op("Shape", positions))
    return node.op("ScatterElements", zeros, positions, ones, axis=node["axis"])


def _within(node: NodeContext, x: OnnxValue, index: OnnxValue, axis: int, out_of_range: str) -> OnnxValue:
    """Return an index of int64 whose positions are inside of an axis of a value."""
    if out_of_range == "error":
        return index
    extent = node.extent(x, axis)
    if isinstance(extent, int):
        size = node.constant(extent, "int64")
    else:
        size = node.op("Squeeze", node.vector([extent]), node.ints(0))
    if out_of_range == "wrap":
        return node.op("Mod", index, size)
    one = node.constant(1, "int64")
    last = node.constant(extent - 1, "int64") if isinstance(extent, int) else node.op("Sub", size, one)
    return node.op("Clip", index, node.constant(0, "int64"), last)


@rule("take")
def take(node: NodeContext, x: OnnxValue, index: OnnxValue) -> OnnxValue:
    positions = _within(node, x, node.cast(index, "int64"), node["axis"], node["out_of_range"])
    return node.op("Gather", x, positions, axis=node["axis"])


@rule("pick")
def pick(node: NodeContext, x: OnnxValue, index: OnnxValue) -> OnnxValue:
    axis = node.axis(node["axis"], x)
    index = node.cast(index, "int64")
    if node.rank(index) < node.rank(x):
        index = node.op("Unsqueeze", index, node.ints(axis))
    picked = node.op("GatherElements", x, _within(node, x, index, axis, node["out_of_range"]), axis=axis)
    return picked if node["keepdim"] or node.rank(x) == 1 else node.op("Squeeze", picked, node.ints(axis))


def _rows(node: NodeContext, index: OnnxValue) -> OnnxValue:
    """Return an index whose first axis names the axes with that axis last, as GatherND and ScatterND have it."""
    index = node.cast(index, "int64")
    rank = node.rank(index)
    return index if rank == 1 else node.op("Transpose", index, perm=[*range(1, rank), 0])


@rule("gather_nd")
def gather_nd(node: NodeContext, x: OnnxValue, index: OnnxValue) -> OnnxValue:
    return node.op("GatherND", x, _rows(node, index))


@rule("scatter_nd")
def scatter_nd(node: NodeContext, x: OnnxValue, index: OnnxValue) -> OnnxValue:
    zeros = node.op("Expand", node.like(0, x), node.ints(list(node["shape"])))
    return node.op("ScatterND", zeros, _rows(node, index), x)


@rule("index_copy")
def index_copy(node: NodeContext, x: OnnxValue, index: OnnxValue, value: OnnxValue) -> OnnxValue:
    rows = node.op("Unsqueeze", node.cast(index, "int64"), node.ints(-1))
    return node.op("ScatterND", x, rows, node.cast(value, x.dtype))


@rule("index_add", "index_update")
def index_add(node: NodeContext, x: OnnxValue, index: OnnxValue, value: OnnxValue) -> OnnxValue:
    reduction = "add" if node.node.kind == "index_add" else None
    rows = _rows(node, index)
    value = node.cast(value, x.dtype)
    shape = node.op("Shape", node.op("GatherND", x, rows))
    return node.op("ScatterND", x, rows, node.op("Expand", value, shape), reduction=reduction)


@rule("boolean_mask")
def boolean_mask(node: NodeContext, x: OnnxValue, mask: OnnxValue) -> OnnxValue:
    return node.op("Compress", x, truth(node, mask), axis=node["axis"])


@rule("nonzero")
def nonzero(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Transpose", node.op("NonZero", truth(node, x)), perm=[1, 0])


@rule("one_hot")
def one_hot(node: NodeContext, index: OnnxValue) -> OnnxValue:
    positions = node.op("Unsqueeze", node.cast(index, "int64"), node.ints(-1))
    chosen = node.op("Equal", positions, node.ints(list(range(node["depth"]))))
    on, off = (node.constant(node[name], node["dtype"]) for name in ("on_value", "off_value"))
    return node.op("Where", chosen, on, off)


def _strides(shape: tuple[int, ...]) -> list[int]:
    """Return the distance in row-major order between neighbours along each axis."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


@rule("ravel_index")
def ravel_index(node: NodeContext, x: OnnxValue) -> OnnxValue:
    strides = np.array(_strides(node["shape"]), np.int64).reshape(-1, *[1] * (node.rank(x) - 1))
    product = node.op("Mul", node.cast(x, "int64"), node.constant(strides, "int64"))
    return node.cast(node.reduce("ReduceSum", product, [0], keepdims=False), x.dtype)


@rule("unravel_index")
def unravel_index(node: NodeContext, x: OnnxValue) -> OnnxValue:
    position = node.reshape(node.cast(x, "int64"), [1, -1])
    rows = []
    for stride in _strides(node["shape"]):
        size = node.constant(stride, "int64")
        rows.append(node.op("Div", position, size))
        position = node.op("Mod", position, size)
    return node.cast(rows[0] if len(rows) == 1 else node.op("Concat", *rows, axis=0), x.dtype)
