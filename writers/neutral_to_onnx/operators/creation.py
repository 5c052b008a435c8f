"""Tensors computed from attributes, or from the shape of another tensor."""

from __future__ import annotations

import math

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, rule

_LARGE = 1 << 16
"""Elements from which on a tensor of one value is expanded when the network runs instead of stored."""


def filled(node: NodeContext, number: float, dtype: str, shape: OnnxValue) -> OnnxValue:
    """Return a tensor whose elements all have one value.

    Args:
        node: The node.
        number: The value.
        dtype: The dtype's name.
        shape: The shape, as a vector of int64.

    Returns:
        The tensor.
    """
    with np.errstate(all="ignore"):
        element = np.full((), number).astype("float32" if dtype == "bfloat16" else dtype)
    if shape.array is not None and np.prod(shape.array) <= _LARGE:
        return node.constant(np.full(shape.array, element), dtype)
    return node.op("Expand", node.constant(element, dtype), shape)


@rule("full")
def full(node: NodeContext) -> OnnxValue:
    return filled(node, node["value"], node["dtype"], node.vector(node["shape"]))


@rule("full_like")
def full_like(node: NodeContext, x: OnnxValue) -> OnnxValue:
    shape = node.op("Shape", x) if x.rank is None else node.vector(node.extents(x))
    return filled(node, node["value"], x.dtype, shape)


@rule("arange")
def arange(node: NodeContext) -> OnnxValue:
    numbers = np.repeat(node["start"] + node["step"] * np.arange(node["count"]), node["repeat"])
    return node.constant(numbers.astype(node["dtype"]), node["dtype"])


@rule("arange_like")
def arange_like(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axis = node["axis"]
    extents = node.extents(x) if axis is None else [node.extent(x, axis)]
    start, step, repeat = node["start"], node["step"], node["repeat"]
    if all(isinstance(extent, int) for extent in extents):
        count = math.prod(extent for extent in extents if isinstance(extent, int))
        numbers = (start + step * (np.arange(count) // repeat)).astype(x.dtype)
        return node.constant(numbers.reshape([extent for extent in extents if isinstance(extent, int)]), x.dtype)
    total = node.op("Size", x) if axis is None else node.op("Squeeze", node.vector(extents), node.ints(0))
    places = node.op("Range", node.constant(0, "int64"), total, node.constant(1, "int64"))
    if repeat != 1:
        places = node.op("Div", places, node.constant(repeat, "int64"))
    wide = "float64" if x.is_floating or start != int(start) or step != int(step) else "int64"
    numbers_value = node.op("Mul", node.cast(places, wide), node.constant(step, wide))
    result = node.cast(node.op("Add", numbers_value, node.constant(start, wide)), x.dtype)
    return node.op("Reshape", result, node.op("Shape", x)) if axis is None else result


@rule("eye")
def eye(node: NodeContext) -> OnnxValue:
    return node.constant(np.eye(node["rows"], node["columns"], node["offset"], node["dtype"]), node["dtype"])


@rule("index_array")
def index_array(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank = node.rank(x)
    axes = list(range(rank)) if node["axes"] is None else [node.axis(axis, x) for axis in node["axes"]]
    places = node.op("NonZero", node.op("Expand", node.constant(True, "bool"), node.op("Shape", x)))
    chosen = node.op("Transpose", node.op("Gather", places, node.ints(axes), axis=0), perm=[1, 0])
    return node.op("Reshape", chosen, node.vector([*node.extents(x), len(axes)]))


@rule("diagonal")
def diagonal(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank, offset = node.rank(x), node["offset"]
    if rank == 1:
        return _matrix(node, x, offset)
    axis, other = node.axis(node["axis"], x), node.axis(node["other_axis"], x)
    order = [item for item in range(rank) if item not in (axis, other)]
    rows, columns = node.extent(x, axis), node.extent(x, other)
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise NeedsShape("its length depends on the input")
    flat = node.op("Transpose", x, perm=[*order, axis, other]) if [*order, axis, other] != list(range(rank)) else x
    flat = node.reshape(flat, [*node.extents(flat)[:-2], rows * columns])
    first, second = max(-offset, 0), max(offset, 0)
    count = max(min(rows - first, columns - second), 0)
    places = [(first + number) * columns + second + number for number in range(count)]
    return node.op("Gather", flat, node.constant(np.array(places, np.int64), "int64"), axis=len(order))


def _matrix(node: NodeContext, x: OnnxValue, offset: int) -> OnnxValue:
    """Return the square matrix with the elements of a vector on a diagonal."""
    count = node.extent(x, 0)
    if not isinstance(count, int):
        raise NeedsShape("its size depends on the input")
    places = np.diag(np.arange(1, count + 1), offset)  # 0 is where the matrix has a zero
    padded = node.op("Concat", node.like(np.zeros(1), x), x, axis=0)
    return node.op("Gather", padded, node.constant(places, "int64"), axis=0)


@rule("lower_triangle_indices")
def lower_triangle_indices(node: NodeContext) -> tuple[OnnxValue, OnnxValue]:
    rows, columns = np.tril_indices(node["rows"], node["offset"], node["columns"])
    return node.constant(rows.astype(np.int64), "int64"), node.constant(columns.astype(np.int64), "int64")
