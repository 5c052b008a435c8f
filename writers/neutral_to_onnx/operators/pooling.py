"""Pooling over windows and over all positions.

The rounding of the output size is expressed by padding at the end, so that the file means the same for every runtime:
runtimes differ in the windows that ``ceil_mode`` leaves out.
"""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.layouts import channels_first, channels_last
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule

LOWEST = {"float16": -65504.0, "float32": float(np.finfo(np.float32).min), "float64": float(np.finfo(np.float64).min)}


def _ends(node: NodeContext, x: OnnxValue) -> list[int]:
    """Return the positions to add after each spatial axis, so that rounding down gives every window.

    Where the extent is known it is the least number; otherwise one that is right for every extent.
    """
    ends = []
    for axis, (kernel, step, pad) in enumerate(zip(node["kernel_size"], node["stride"], node["padding"])):
        extent = None if x.shape is None else x.shape[axis + 2]
        rounding = node["rounding"]
        most = kernel - 1 if rounding == "same" else pad + (step - 1 if rounding == "up" else 0)
        if isinstance(extent, int) and extent + pad + most >= kernel:
            count = 1 + (extent + pad + most - kernel) // step
            most = max((count - 1) * step + kernel - extent - pad, 0)
        ends.append(most)
    return ends


def _padded(node: NodeContext, x: OnnxValue, before: Sequence[int], after: Sequence[int], fill: float) -> OnnxValue:
    """Return the operand (N, C, *spatial) with positions of a number around it."""
    if not any(before) and not any(after):
        return x
    return node.op("Pad", x, node.ints([0, 0, *before, 0, 0, *after]), node.like(fill, x))


def _window(node: NodeContext) -> dict[str, Sequence[int]]:
    return {"kernel_shape": node["kernel_size"], "strides": node["stride"]}


@rule("max_pool")
def max_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    dtype = x.dtype
    if dtype in ("int16", "int32", "uint16", "uint32", "bool"):
        x = node.cast(x, "float64")  # which holds every one of these numbers
    elif dtype not in LOWEST and dtype not in ("int8", "uint8"):
        raise Unsupported(f"there is no MaxPool of {dtype}")
    x = channels_first(node, x)
    before, after = list(node["padding"]), _ends(node, x)
    if any(pad >= kernel for pad, kernel in zip((*before, *after), node["kernel_size"] * 2)):
        x, before, after = _padded(node, x, before, after, LOWEST.get(x.dtype, 0)), [0] * len(before), [0] * len(after)
    y = node.op("MaxPool", x, pads=[*before, *after], **_window(node))
    return node.cast(channels_last(node, y), dtype)


@rule("average_pool", single=True)
def average_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    x = channels_first(node, x)
    return channels_last(node, _average(node, x, node["divisor"]))


@rule("sum_pool", single=True)
def sum_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    x = channels_first(node, x)
    mean = _average(node, x, "kernel")
    return channels_last(node, node.op("Mul", mean, node.like(math.prod(node["kernel_size"]), mean)))


def _average(node: NodeContext, x: OnnxValue, divisor: str) -> OnnxValue:
    kernel, before, after = node["kernel_size"], list(node["padding"]), _ends(node, x)
    if divisor == "padded_input" and all(end <= pad for end, pad in zip(after, before)):
        divisor = "kernel"
    if divisor == "padded_input":
        x = _padded(node, x, before, before, 0)
        before, after = [0] * len(before), [max(end - pad, 0) for end, pad in zip(after, before)]
        divisor = "input"
    large = any(pad >= size for pad, size in zip((*before, *after), kernel * 2))
    if divisor == "kernel":
        if large:
            x, before, after = _padded(node, x, before, after, 0), [0] * len(before), [0] * len(after)
        return node.op("AveragePool", x, pads=[*before, *after], count_include_pad=1, **_window(node))
    if not large:
        return node.op("AveragePool", x, pads=[*before, *after], count_include_pad=0, **_window(node))
    return _counted_average(node, x, before, after)


def _counted_average(node: NodeContext, x: OnnxValue, before: list[int], after: list[int]) -> OnnxValue:
    """Return the means over the positions of the input, of windows that may hold none."""
    spatial = [node.extent(x, axis) for axis in range(2, node.rank(x))]
    ones = node.op("Expand", node.like(1, x), node.vector([1, 1, *spatial]))
    sums, counts = (
        node.op("AveragePool", _padded(node, item, before, after, 0), **_window(node)) for item in (x, ones)
    )
    least = node.like(1 / math.prod(node["kernel_size"]), x)
    return node.op("Div", sums, node.op("Max", counts, least))


@rule("global_max_pool")
def global_max_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return channels_last(node, node.op("GlobalMaxPool", channels_first(node, x)))


@rule("global_average_pool")
def global_average_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["layout"] == "channels_last":
        return node.reduce("ReduceMean", x, list(range(1, node.rank(x) - 1)), keepdims=True)
    return node.op("GlobalAveragePool", x)


@rule("global_sum_pool", single=True)
def global_sum_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    first = 1 if node["layout"] == "channels_last" else 2
    return node.reduce("ReduceSum", x, list(range(first, first + node.rank(x) - 2)), keepdims=True)


@rule("adaptive_average_pool", single=True)
def adaptive_average_pool(node: NodeContext, x: OnnxValue) -> OnnxValue:
    height, width = node["output_size"]
    if (height, width) == (1, 1):
        return node.op("GlobalAveragePool", x)
    sizes = [node.extent(x, 2), node.extent(x, 3)]
    if not isinstance(sizes[0], int) or not isinstance(sizes[1], int):
        raise NeedsShape("its bins depend on the size of the image")
    rows, columns = sizes[0], sizes[1]
    if rows % height == 0 and columns % width == 0:
        window = [rows // height, columns // width]
        return node.op("AveragePool", x, kernel_shape=window, strides=window)
    pooled = node.op("MatMul", node.like(_bins(rows, height), x), x)
    return node.op("MatMul", pooled, node.like(_bins(columns, width).T, x))


def _bins(extent: int, count: int) -> np.ndarray:
    """Return the matrix (count, extent) that takes the mean of each bin."""
    matrix = np.zeros((count, extent))
    for number in range(count):
        positions = slice(number * extent // count, -(-(number + 1) * extent // count))
        matrix[number, positions] = 1 / (positions.stop - positions.start)
    return matrix
