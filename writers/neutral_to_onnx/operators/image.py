"""Preprocessing of images inside a graph."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule


@rule("image_to_tensor")
def image_to_tensor(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank = node.rank(x)
    scaled = node.op("Div", node.cast(x, "float32"), node.constant(255, "float32"))
    return node.op("Transpose", scaled, perm=[*range(rank - 3), rank - 1, rank - 3, rank - 2])


@rule("image_normalize", single=True)
def image_normalize(node: NodeContext, x: OnnxValue) -> OnnxValue:
    mean, deviation = (node.like(np.reshape(node[name], (-1, 1, 1)), x) for name in ("mean", "std"))
    return node.op("Div", node.op("Sub", x, mean), deviation)


@rule("image_crop_within")
def image_crop_within(
    node: NodeContext, image: OnnxValue, across: OnnxValue | None = None, down: OnnxValue | None = None
) -> OnnxValue:
    rank = node.rank(image)
    rows, columns = node.extent(image, rank - 3), node.extent(image, rank - 2)
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise NeedsShape("the place of a rectangle needs an image of known size")
    width, height = node["width"], node["height"]
    if height > rows:
        width, height = width * rows // height, rows
    width = min(width, columns)
    around = [node.extent(image, axis) for axis in range(rank - 3)], [node.extent(image, rank - 1)]
    for axis, free, extent, number, drawn in (
        (rank - 3, rows - height, height, node["y"], down),
        (rank - 2, columns - width, width, node["x"], across),
    ):
        if drawn is None:
            start = node.ints([int(np.float32(number) * np.float32(free))])
        else:
            place = node.op("Mul", node.reshape(drawn, [1]), node.constant(free, "float32"))
            start = node.cast(place, "int64")
        image = node.op("Slice", image, start, node.op("Add", start, node.ints([extent])), node.ints([axis]))
    return node.reshape(image, [*around[0], height, width, *around[1]])  # Slice hides the extents


_RESIZE: Mapping[str, Mapping[str, Any]] = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    "bicubic": {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", "cubic_coeff_a": -0.75},
}
"""The options of ``Resize`` for each interpolation."""


@rule("image_resize")
def image_resize(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank = node.rank(x)
    extents = [node.extent(x, rank - 3), node.extent(x, rank - 2)]
    if x.dtype == "uint8" and node["interpolation"] != "nearest":
        return _resize_bytes(node, x, extents)
    size = node.ints(node["size"]) if node["side"] is None else _extents_of_side(node, extents)
    batch = x if rank == 4 else node.op("Unsqueeze", x, node.ints([0]))
    maps = node.op("Transpose", batch, perm=[0, 3, 1, 2])
    leading = [node.extent(batch, 0), node.extent(batch, 3)]
    options = _RESIZE[node["interpolation"]]
    if node["interpolation"] == "bicubic":  # onnxruntime moves the transposition behind Resize, and refuses that
        maps = node.reshape(maps, [-1, 1, *extents])
        flat = node.op("Resize", maps, None, None, node.vector([node.extent(maps, 0), 1, size]), **options)
        resized = node.op("Reshape", flat, node.vector([*leading, size]))
    else:
        resized = node.op("Resize", maps, None, None, node.vector([*leading, size]), **options)
    images = node.op("Transpose", resized, perm=[0, 2, 3, 1])
    return images if rank == 4 else node.op("Squeeze", images, node.ints([0]))


def _extents_of_side(node: NodeContext, extents: list[Any]) -> OnnxValue:
    """Return height and width in proportion to a shorter extent."""
    side = node.ints([node["side"]])
    scaled = node.op("Mul", node.vector(extents), side)
    return node.op("Max", side, node.op("Div", scaled, node.vector(extents[::-1])))


def _resize_bytes(node: NodeContext, x: OnnxValue, extents: list[Any]) -> OnnxValue:
    """Interpolate bytes in fixed point, by integer operators."""
    if node["interpolation"] == "bicubic":
        raise Unsupported("bicubic interpolation of bytes is not defined")
    height, width, channels = *extents, node.extent(x, -1)
    if not (isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)):
        raise NeedsShape("bytes are interpolated with weights that need an image of known size")
    size, side = node["size"], node["side"]
    if size is None:
        size = (max(side, height * side // width), max(side, width * side // height))
    wide = node.cast(x, "int32")
    if (height, width) == (2 * size[0], 2 * size[1]):
        return _halves(node, wide, size, channels)
    axis = node.rank(x) - 2
    low, high = _products(node, wide, width, size[1], axis)
    sums = _divided(node, node.op("Add", low, high), 16)
    low, high = (_divided(node, each, 65536) for each in _products(node, sums, height, size[0], axis - 1))
    total = node.op("Add", node.op("Add", low, high), node.constant(2, "int32"))
    return node.cast(_divided(node, total, 4), "uint8")


def _products(node: NodeContext, x: OnnxValue, extent: int, size: int, axis: int) -> tuple[OnnxValue, OnnxValue]:
    """Return both neighbours of each sample along an axis, times their weights in 1/2048."""
    places = ((np.arange(size) + 0.5) * (1 / (size / extent)) - 0.5).astype(np.float32)
    low = np.floor(places)
    share = np.rint((places - low) * np.float32(2048)).astype(np.int32)
    shape = (-1,) + (1,) * (node.rank(x) - 1 - axis)
    products = []
    for weight, position in ((2048 - share, low), (share, low + 1)):
        index = node.ints(np.clip(position, 0, extent - 1).astype(np.int64).tolist())
        taken = node.op("Gather", x, index, axis=axis)
        products.append(node.op("Mul", taken, node.constant(weight.reshape(shape), "int32")))
    return products[0], products[1]


def _divided(node: NodeContext, x: OnnxValue, divisor: int) -> OnnxValue:
    return node.op("Div", x, node.constant(divisor, "int32"))


def _halves(node: NodeContext, x: OnnxValue, size: tuple[int, int], channels: int) -> OnnxValue:
    """Return the means of four pixels, halves up with 1, 3 or 4 channels, else to even."""
    axis = node.rank(x) - 3
    leading = [node.extent(x, k) for k in range(axis)]
    squares = node.reshape(x, [*leading, size[0], 2, size[1], 2, channels])
    total = node.op("ReduceSum", squares, node.ints([axis + 1, axis + 3]), keepdims=0)
    if channels in (1, 3, 4):
        return node.cast(_divided(node, node.op("Add", total, node.constant(2, "int32")), 4), "uint8")
    quarter = node.op("Div", node.cast(total, "float32"), node.constant(4, "float32"))
    return node.cast(node.op("Round", quarter), "uint8")
