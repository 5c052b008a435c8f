"""Preprocessing of images inside a graph."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.resampling import resize_by_weights
from neutral_to_onnx.registry import NeedsShape, rule


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
    if node["interpolation"] not in _RESIZE or (x.dtype == "uint8" and node["interpolation"] != "nearest"):
        return resize_by_weights(node, x)
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
