"""Sampling and comparison of images at other positions."""

from __future__ import annotations

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.bodies import scan
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic, positions
from neutral_to_onnx.operators.sampling import scalar
from neutral_to_onnx.registry import rule


@rule("affine_grid", single=True)
def affine_grid(node: NodeContext, x: OnnxValue) -> OnnxValue:
    y_places, x_places = (np.linspace(-1, 1, extent) for extent in node["size"])
    columns, rows = np.meshgrid(x_places, y_places)
    points = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    grid = node.op("MatMul", node.reshape(x, [-1, 2, 3]), node.like(points, x))
    return node.reshape(grid, [node.extent(x, 0), 2, *node["size"]])


@rule("flow_grid", single=True)
def flow_grid(node: NodeContext, x: OnnxValue) -> OnnxValue:
    parts = node.ops("Split", [x], 2, axis=1, num_outputs=2 if node.opset >= 18 else None)
    grids = []
    for part, axis in zip(parts, (3, 2)):
        places = node.cast(positions(node, x, axis), x.dtype)
        places = places if axis == 3 else node.op("Unsqueeze", places, node.ints([1]))
        half = arithmetic(node, "Div", scalar(node, node.extent(x, axis), x.dtype, -1), 2)
        grids.append(arithmetic(node, "Sub", node.op("Div", node.op("Add", part, places), half), 1))
    return node.op("Concat", *grids, axis=1)


@rule("grid_sample", single=True)
def grid_sample(node: NodeContext, x: OnnxValue, grid: OnnxValue) -> OnnxValue:
    return node.op(
        "GridSample",
        x,
        node.op("Transpose", grid, perm=[0, 2, 3, 1]),
        mode="linear" if node.opset >= 20 else "bilinear",
        padding_mode="zeros",
        align_corners=1,
    )


@rule("correlation", single=True)
def correlation(node: NodeContext, first: OnnxValue, second: OnnxValue) -> OnnxValue:
    most, step = node["max_displacement"], node["displacement_stride"]
    first, second = (_padded(node, value) for value in (first, second))
    axes = node.ints([2, 3])
    end = node.op("Sub", node.vector([node.extent(first, 2), node.extent(first, 3)]), node.ints(most))
    window = node.op("Slice", first, node.ints([most] * 2), end, axes)
    moves = np.arange(-(most // step), most // step + 1) * step
    starts = node.constant(np.stack(np.meshgrid(moves, moves, indexing="ij"), -1).reshape(-1, 2) + most, "int64")
    sizes = node.vector([node.extent(window, 2), node.extent(window, 3)])
    compared = _compared(node, window, second, [starts, node.op("Add", starts, sizes)])
    compared = node.op("Transpose", compared, perm=[1, 0, 2, 3])
    size, stride = node["kernel_size"], node["stride"]
    if size == stride == 1:
        return compared
    return node.op("AveragePool", compared, kernel_shape=[size] * 2, strides=[stride] * 2)


def _padded(node: NodeContext, x: OnnxValue) -> OnnxValue:
    size = node["padding"]
    return node.op("Pad", x, node.ints([0, 0, size, size] * 2)) if size else x


def _compared(node: NodeContext, window: OnnxValue, other: OnnxValue, places: list[OnnxValue]) -> OnnxValue:
    """Return the means over the channels (displacements, N, rows, columns), one displacement after the other."""
    body = node.inside(node.builder.subgraph())
    start, end = (body.builder.input(f"{node.name}/{name}", "int64", (2,)) for name in ("start", "end"))
    moved = body.op("Slice", other, start, end, body.ints([2, 3]))
    moved = body.builder.with_shape(moved, window.shape)
    product = node["comparison"] == "product"
    value = body.op("Mul", window, moved) if product else body.op("Abs", body.op("Sub", window, moved))
    mean = body.reduce("ReduceMean", value, [1], keepdims=False)
    return scan(node, body, ([], places), [start, end], ([], [mean]))[0]
