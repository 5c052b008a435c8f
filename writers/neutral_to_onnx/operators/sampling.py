"""Bilinear samples of feature maps at any positions."""

from __future__ import annotations

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic


def scalar(node: NodeContext, extent: int | Extent, dtype: str, change: int = 0) -> OnnxValue:
    """Return an extent as a scalar.

    Args:
        node: The node.
        extent: The extent.
        dtype: The dtype's name.
        change: The number that is added to it.

    Returns:
        A constant if the extent is a number.
    """
    if isinstance(extent, int):
        return node.constant(extent + change, dtype)
    value = node.cast(node.op("Squeeze", node.vector([extent])), dtype)
    return arithmetic(node, "Add", value, change) if change else value


def table(node: NodeContext, image: OnnxValue) -> OnnxValue:
    """Return the pixels (N*H*W, C) of images (N, C, H, W).

    Args:
        node: The node.
        image: The images.

    Returns:
        The pixels.
    """
    moved = node.op("Transpose", image, perm=[0, 2, 3, 1])
    return node.reshape(moved, [-1, node.extent(moved, 3)])


def bilinear(node: NodeContext, image: OnnxValue, number: OnnxValue, y: OnnxValue, x: OnnxValue) -> OnnxValue:
    """Interpolate between the four nearest positions; one outside of the first or last row or column has its value.

    Args:
        node: The node.
        image: The images (N, C, H, W).
        number: The number of each sample's image, int64; it broadcasts to the samples.
        y: The rows of the samples, of any shape.
        x: The columns of the samples, of the same shape.

    Returns:
        The samples (*shape, C).
    """
    pixels = table(node, image)
    height, width = node.extent(image, 2), node.extent(image, 3)
    rows = _neighbours(node, y, height)
    columns = _neighbours(node, x, width)
    lines = scalar(node, height, "int64")
    step = scalar(node, width, "int64")
    first = node.op("Mul", number, lines)
    parts = []
    for row in rows[:2]:
        start = node.op("Mul", node.op("Add", first, row), step)
        left, right = (node.op("Gather", pixels, node.op("Add", start, column), axis=0) for column in columns[:2])
        parts.append(_between(node, left, right, columns[2]))
    return _between(node, parts[0], parts[1], rows[2])


def _neighbours(node: NodeContext, place: OnnxValue, extent: int | Extent) -> tuple[OnnxValue, OnnxValue, OnnxValue]:
    """Return the two nearest positions of an axis, int64, and the share of the second one."""
    last = scalar(node, extent, place.dtype, -1)
    inside = node.op("Min", node.op("Max", place, node.like(0, place)), last)
    low = node.op("Floor", inside)
    high = node.op("Min", arithmetic(node, "Add", low, 1), last)
    return node.cast(low, "int64"), node.cast(high, "int64"), node.op("Sub", inside, low)


def _between(node: NodeContext, first: OnnxValue, second: OnnxValue, share: OnnxValue) -> OnnxValue:
    share = node.op("Unsqueeze", share, node.ints([-1]))
    rest = node.op("Sub", node.like(1, share), share)
    return node.op("Add", node.op("Mul", first, rest), node.op("Mul", second, share))
