"""Resizing of images by positions and weights that are computed beforehand, so that the image's size must be known."""

from __future__ import annotations

import numpy as np

from neutral.reference.resampling import Taps, area_between, area_taps, is_whole, scale_of, taps
from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape


def resize_by_weights(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Return images of the node's size as weighted sums of pixels, of bytes in fixed point.

    Args:
        node: A node of the kind ``image_resize``.
        x: Images (..., H, W, C).

    Returns:
        Images in the same dtype.

    Raises:
        NeedsShape: The height, the width or the number of channels is free.
    """
    height, width, channels = (node.extent(x, axis) for axis in (-3, -2, -1))
    if not (isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)):
        raise NeedsShape("pixels are weighted by numbers that need an image of known size")
    size, side = node["size"], node["side"]
    if size is None:
        size = (max(side, height * side // width), max(side, width * side // height))
    pairs = ((height, size[0]), (width, size[1]))
    is_bytes, interpolation = x.dtype == "uint8", node["interpolation"]
    scales = [scale_of(*pair) for pair in pairs]
    whole = all(map(is_whole, scales)) and min(scales) >= 1
    if whole and (interpolation == "area" or (is_bytes and interpolation == "bilinear" and scales == [2, 2])):
        return _means(node, x, size, (height, width, channels))
    if interpolation == "area":
        rows, columns = (area_between(*pair) if min(scales) < 1 else area_taps(*pair) for pair in pairs)
        if not is_bytes or min(scales) >= 1:
            sums = _both(node, node.cast(x, "float32") if is_bytes else x, rows, columns)
            return _bytes(node, node.op("Round", sums)) if is_bytes else sums
    else:
        rows, columns = (taps(interpolation, *pair) for pair in pairs)
    if not is_bytes:
        return _both(node, x, rows, columns)
    wide = node.cast(x, "int32")
    if interpolation in ("bilinear", "area"):
        return _blended(node, wide, rows, columns)
    return _convolved(node, wide, rows, columns, (size[1], channels))


def _products(node: NodeContext, x: OnnxValue, axis: int, pixels: Taps) -> list[OnnxValue]:
    """Return the pixels of the samples along an axis times their weights: the first of all samples, then the second."""
    shape = (-1,) + (1,) * (node.rank(x) - 1 - axis)
    products = []
    for positions, weights in zip(*(array.T for array in pixels)):
        taken = node.op("Gather", x, node.ints(positions.tolist()), axis=axis)
        products.append(node.op("Mul", taken, node.like(weights.reshape(shape), x)))
    return products


def _sum(node: NodeContext, x: OnnxValue, axis: int, pixels: Taps) -> OnnxValue:
    first, *others = _products(node, x, axis, pixels)
    for product in others:
        first = node.op("Add", first, product)
    return first


def _both(node: NodeContext, x: OnnxValue, rows: Taps, columns: Taps) -> OnnxValue:
    axis = node.rank(x) - 2
    return _sum(node, _sum(node, x, axis, columns), axis - 1, rows)


def _fixed(pixels: Taps) -> Taps:
    """Return pixels with their weights in units of 1/2048."""
    return pixels[0], np.rint(pixels[1] * np.float32(2048)).astype(np.int32)


def _divided(node: NodeContext, x: OnnxValue, divisor: int) -> OnnxValue:
    return node.op("Div", x, node.constant(divisor, "int32"))


def _bytes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.cast(node.op("Clip", x, node.like(0, x), node.like(255, x)), "uint8")


def _blended(node: NodeContext, x: OnnxValue, rows: Taps, columns: Taps) -> OnnxValue:
    """Return bytes between two rows and columns; sums lose their last bits."""
    axis = node.rank(x) - 2
    sums = _divided(node, _sum(node, x, axis, _fixed(columns)), 16)
    upper, lower = (_divided(node, product, 65536) for product in _products(node, sums, axis - 1, _fixed(rows)))
    total = node.op("Add", node.op("Add", upper, lower), node.constant(2, "int32"))
    return node.cast(_divided(node, total, 4), "uint8")


def _convolved(node: NodeContext, x: OnnxValue, rows: Taps, columns: Taps, row: tuple[int, int]) -> OnnxValue:
    """Return bytes by four or eight rows and columns; ``row`` is the shape of a row of the result."""
    axis = node.rank(x) - 3
    sums = _sum(node, x, axis + 1, _fixed(columns))
    positions, weights = _fixed(rows)
    rounded = node.op("Add", _sum(node, sums, axis, (positions, weights)), node.constant(2**21, "int32"))
    # Where division cuts off what a shift rounds down, numbers are negative and become 0.
    result = _bytes(node, _divided(node, rounded, 2**22))
    if weights.shape[1] != 4:
        return result
    in_parts = (positions, weights.astype(np.float32) / np.float32(2**22))
    single = _bytes(node, node.op("Round", _sum(node, node.cast(sums, "float32"), axis, in_parts)))
    count = row[0] * row[1]
    is_single = (np.arange(count) < count // 8 * 8).reshape(row)
    return node.op("Where", node.constant(is_single, "bool"), single, result)


def _means(node: NodeContext, x: OnnxValue, size: tuple[int, int], extents: tuple[int, int, int]) -> OnnxValue:
    """Return the means of rectangles, of bytes halves up of squares of four, else to even."""
    height, width, channels = extents
    axis = node.rank(x) - 3
    leading = [node.extent(x, k) for k in range(axis)]
    down, across = height // size[0], width // size[1]
    is_bytes = x.dtype == "uint8"
    wide = node.cast(x, "int32") if is_bytes else x
    rectangles = node.reshape(wide, [*leading, size[0], down, size[1], across, channels])
    total = node.op("ReduceSum", rectangles, node.ints([axis + 1, axis + 3]), keepdims=0)
    if not is_bytes:
        return node.op("Div", total, node.like(down * across, x))
    if (down, across) == (2, 2) and channels in (1, 3, 4):
        return node.cast(_divided(node, node.op("Add", total, node.constant(2, "int32")), 4), "uint8")
    mean = node.op("Mul", node.cast(total, "float32"), node.constant(np.float32(1 / (down * across)), "float32"))
    return node.cast(node.op("Round", mean), "uint8")
