"""Linear algebra, as far as standard operators can compute it."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import positions
from neutral_to_onnx.registry import NeedsShape, refuse, rule

refuse(
    "no standard operator solves linear equations",
    "solve",
    "solve_triangular",
    "inverse",
    "cholesky_inverse",
    "tensor_inverse",
    "tensor_solve",
)
refuse(
    "no standard operator decomposes matrices",
    "cholesky",
    "eig",
    "eigh",
    "qr",
    "svd",
    "pseudo_inverse",
    "least_squares",
    "matrix_rank",
)
refuse("the determinant may be too large or too small for the standard operator Det", "log_determinant")


@rule("determinant", single=True)
def determinant(node: NodeContext, x: OnnxValue) -> OnnxValue:
    result = node.op("Det", x)
    return node.reshape(result, [1]) if node["at_least_1d"] and node.rank(x) == 2 else result


@rule("diagonal_matrix")
def diagonal_matrix(node: NodeContext, x: OnnxValue) -> OnnxValue:
    offset, rank = node["offset"], node.rank(x)
    if offset:
        rest = [0] * (rank - 1)
        x = node.op("Pad", x, node.ints([*rest, max(offset, 0), *rest, max(-offset, 0)]))
    columns = positions(node, x, rank - 1)
    distance = node.op("Sub", columns, node.op("Unsqueeze", columns, node.ints(1)))
    place = node.op("Equal", distance, node.constant(offset, "int64"))
    return node.op("Where", place, node.op("Unsqueeze", x, node.ints([-2])), node.like(0, x))


def _triangle(extent: int, offset: int, lower: bool) -> np.ndarray:
    """Return the positions of a triangle's elements in the flat matrix, in their order."""
    if lower:
        rows, columns = np.tril_indices(extent, offset)
    else:
        columns, rows = np.tril_indices(extent, -offset)
    return np.asarray(rows * extent + columns, np.int64)


def _static(node: NodeContext, x: OnnxValue) -> int:
    extent = node.extent(x, -1)
    if not isinstance(extent, int):
        raise NeedsShape("its elements depend on the size of the matrix")
    return extent


@rule("pack_triangle")
def pack_triangle(node: NodeContext, x: OnnxValue) -> OnnxValue:
    extent = _static(node, x)
    flat = node.reshape(x, [*node.extents(x)[:-2], extent * extent])
    places = node.constant(_triangle(extent, node["offset"], node["lower"]), "int64")
    return node.op("Gather", flat, places, axis=-1)


@rule("unpack_triangle")
def unpack_triangle(node: NodeContext, x: OnnxValue) -> OnnxValue:
    count, extent = _static(node, x), 1
    while len(_triangle(extent, node["offset"], node["lower"])) < count:
        extent += 1
    sources = np.full(extent * extent, count, np.int64)  # the zero after the elements
    sources[_triangle(extent, node["offset"], node["lower"])] = np.arange(count)
    rest = [0] * (node.rank(x) - 1)
    padded = node.op("Pad", x, node.ints([*rest, 0, *rest, 1]))
    flat = node.op("Gather", padded, node.constant(sources, "int64"), axis=-1)
    return node.reshape(flat, [*node.extents(x)[:-1], extent, extent])
