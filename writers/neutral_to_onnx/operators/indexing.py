"""Sorting, and selection of elements by index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import positions
from neutral_to_onnx.operators.elementwise import truth
from neutral_to_onnx.registry import NeedsShape, rule


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
        position = node.op("Mod", position, size, fmod=1)
    return node.cast(rows[0] if len(rows) == 1 else node.op("Concat", *rows, axis=0), x.dtype)


@rule("mask_update")
def mask_update(node: NodeContext, x: OnnxValue, mask: OnnxValue, value: OnnxValue) -> OnnxValue:
    axis, extents = node["axis"], node.extents(x)
    masked = node.rank(mask)
    after = extents[axis + masked :]
    flat = node.reshape(x, [*extents[:axis], -1, *after])
    chosen = node.reshape(truth(node, mask), [-1])
    value = node.cast(value, x.dtype)
    sizes = [extent for extent in node.extents(value) if isinstance(extent, int)]
    if len(sizes) < node.rank(value):
        raise NeedsShape("a value of one element replaces all chosen ones")
    if math.prod(sizes) == 1:
        value = node.reshape(value, [1] * node.rank(flat))
    elif node.rank(value) < node.rank(flat):
        value = node.op("Unsqueeze", value, node.ints(axis))
    if node.extent(value, axis) != 1:
        order = node.op("CumSum", node.cast(chosen, "int64"), node.constant(0, "int64"))
        order = node.op("Max", node.op("Sub", order, node.constant(1, "int64")), node.constant(0, "int64"))
        value = node.op("Gather", value, order, axis=axis)
    chosen = node.reshape(chosen, [-1, *[1] * len(after)])
    return node.reshape(node.op("Where", chosen, value, flat), extents)


@rule("insert")
def insert(node: NodeContext, x: OnnxValue, value: OnnxValue, positions: OnnxValue | None = None) -> OnnxValue:
    axis = node["axis"]
    if axis is None:
        x, axis = node.reshape(x, [-1]), 0
    axis = node.axis(axis, x)
    rank, size = node.rank(x), node.extent(x, axis)
    value = node.cast(value, x.dtype)
    if node.rank(value) < rank:
        value = node.op("Unsqueeze", value, node.ints(list(range(rank - node.rank(value)))))
    if positions is None:
        positions = _positions(node, size)
    if node.rank(positions) == 0 and axis:
        value = node.op("Transpose", value, perm=[*range(1, axis + 1), 0, *range(axis + 1, rank)])
    before = node.reshape(node.cast(positions, "int64"), [-1])
    if node.extent(before, 0) == 1:
        count = node.extent(value, axis)
    elif isinstance(node.extent(before, 0), int):
        count = node.extent(before, 0)
    else:
        raise NeedsShape("a single position takes the whole value")
    extents = [*node.extents(x)[:axis], count, *node.extents(x)[axis + 1 :]]
    before = node.op("Expand", before, node.vector([count]))
    length = node.op("Squeeze", node.vector([size]), node.ints(0))
    zero, one, two = (node.constant(number, "int64") for number in (0, 1, 2))
    before = node.op("Where", node.op("Less", before, zero), node.op("Add", before, length), before)
    own = node.op("Add", node.op("Mul", node.op("Range", zero, length, one), two), one)
    order = node.op("Concat", node.op("Mul", before, two), own, axis=0)
    joined = node.op("Concat", node.op("Expand", value, node.vector(extents)), x, axis=axis)
    whole = node.op("Shape", order)
    _, places = node.ops("TopK", [order, whole], 2, axis=0, largest=0, sorted=1)
    return node.op("Gather", joined, places, axis=axis)


def _positions(node: NodeContext, size: Any) -> OnnxValue:
    """Return the positions of the attributes: one, or those of a slice."""
    if node["slice"] is None:
        return node.constant(node["position"], "int64")
    if not isinstance(size, int):
        raise NeedsShape("the positions of a slice depend on the size of the axis")
    return node.ints(list(range(size)[slice(*node["slice"])]))


@rule("diagonal_indices")
def diagonal_indices(node: NodeContext, x: OnnxValue) -> OnnxValue:
    row = node.op("Unsqueeze", positions(node, x, 0), node.ints(0))
    return node.op("Expand", row, node.ints([node.rank(x), 1]))
