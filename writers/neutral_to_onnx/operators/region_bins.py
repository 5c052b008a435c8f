"""Pooling over regions that are rotated, or whose bins have channels of their own."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.bodies import scan
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import arithmetic, positions
from neutral_to_onnx.operators.sampling import bilinear, scalar
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule


def _columns(node: NodeContext, regions: OnnxValue, count: int) -> tuple[OnnxValue, list[OnnxValue]]:
    """Return the image of each region, int64, and its other numbers (regions, 1)."""
    image, *numbers = node.ops("Split", [regions], count, axis=1, num_outputs=count if node.opset >= 18 else None)
    return node.cast(image, "int64"), numbers


def _spread(node: NodeContext, value: OnnxValue, rank: int) -> OnnxValue:
    """Return a column (regions, 1) with further axes of extent 1."""
    return node.op("Unsqueeze", value, node.ints(list(range(2, rank))))


def _both(node: NodeContext, *conditions: OnnxValue) -> OnnxValue:
    result = conditions[0]
    for condition in conditions[1:]:
        result = node.op("And", result, condition)
    return result


@rule("rotated_roi_align", single=True)
def rotated_roi_align(node: NodeContext, x: OnnxValue, regions: OnnxValue) -> OnnxValue:
    if not node["samples"]:
        raise Unsupported("the number of samples of a bin depends on its region")
    image, numbers = _columns(node, regions, 6)
    centre_x, centre_y, wide, high = (
        _spread(node, arithmetic(node, "Mul", number, node["spatial_scale"]), 5) for number in numbers[:4]
    )
    wide, high = (arithmetic(node, "Max", size, 1) for size in (wide, high))
    angle = _spread(node, arithmetic(node, "Mul", numbers[4], math.pi / 180), 5)
    v = _from_centre(node, high, node["output_size"][0], (0, 2))
    u = _from_centre(node, wide, node["output_size"][1], (1, 3))
    cosine, sine = node.op("Cos", angle), node.op("Sin", angle)
    across = node.op("Add", node.op("Add", centre_x, node.op("Mul", u, cosine)), node.op("Mul", v, sine))
    down = node.op("Sub", node.op("Add", centre_y, node.op("Mul", v, cosine)), node.op("Mul", u, sine))
    values = bilinear(node, x, _spread(node, image, 5), down, across)
    ends = [scalar(node, node.extent(x, axis), x.dtype) for axis in (2, 3)]
    inside = _both(
        node,
        *(arithmetic(node, "GreaterOrEqual", place, -1) for place in (down, across)),
        *(node.op("LessOrEqual", place, end) for place, end in zip((down, across), ends)),
    )
    values = node.op("Where", node.op("Unsqueeze", inside, node.ints([-1])), values, node.like(0, values))
    means = node.reduce("ReduceMean", values, [3, 4], keepdims=False)
    return node.op("Transpose", means, perm=[0, 3, 1, 2])


def _from_centre(node: NodeContext, extent: OnnxValue, bins: int, axes: tuple[int, int]) -> OnnxValue:
    """Return the offsets of the samples from the centre; axes are those of bin and sample, without the regions."""
    samples = node["samples"]
    shares = (np.arange(bins)[:, None] + (np.arange(samples) + 0.5) / samples) / bins - 0.5
    shape = [1] * 4
    shape[axes[0]], shape[axes[1]] = bins, samples
    return node.op("Mul", extent, node.like(shares.reshape(shape), extent))


def _pixel_region(node: NodeContext, regions: OnnxValue) -> tuple[OnnxValue, list[OnnxValue]]:
    """Return the images, and left, top, width and height (regions, 1) of regions of whole pixels."""
    image, numbers = _columns(node, regions, 5)
    corners = []
    for position, number in enumerate(numbers):
        away = node.op("Floor", arithmetic(node, "Add", node.op("Abs", number), 0.5))
        whole = node.op("Mul", node.op("Sign", number), away)
        whole = arithmetic(node, "Add", whole, 1) if position > 1 else whole
        corners.append(arithmetic(node, "Mul", whole, node["spatial_scale"]))
    sizes = [arithmetic(node, "Max", node.op("Sub", end, start), 0.1) for start, end in zip(corners[:2], corners[2:])]
    return image, [*corners[:2], *sizes]


def _by_group(node: NodeContext, x: OnnxValue, classes: int) -> OnnxValue:
    """Return the maps (N * classes * groups, channels of a class, H, W) of each group of channels."""
    groups = node["group_size"] ** 2
    own = node["output_channels"] // classes
    height, width = node.extent(x, 2), node.extent(x, 3)
    parts = node.reshape(x, [-1, classes, own, groups, height, width])
    return node.reshape(node.op("Transpose", parts, perm=[0, 1, 3, 2, 4, 5]), [-1, own, height, width])


def _groups(node: NodeContext) -> np.ndarray:
    """Return the group of each bin (rows, columns)."""
    bins, size = node["output_size"], node["group_size"]
    steps = np.arange(bins) * size // bins
    return np.asarray(steps[:, None] * size + steps, np.int64)


@rule("position_sensitive_roi_pool", single=True)
def position_sensitive_roi_pool(node: NodeContext, x: OnnxValue, regions: OnnxValue) -> OnnxValue:
    image, (left, top, wide, high) = _pixel_region(node, regions)
    bins = node["output_size"]
    rows = _covered(node, top, arithmetic(node, "Div", high, bins), positions(node, x, 2))
    columns = _covered(node, left, arithmetic(node, "Div", wide, bins), positions(node, x, 3))
    maps = _by_group(node, x, 1)
    groups = node["group_size"] ** 2
    body = node.inside(node.builder.subgraph())
    number = body.builder.input(f"{node.name}/image", "int64", (1,))
    row, column = (
        body.builder.input(f"{node.name}/{name}", "float32", value.shape[1:] if value.shape else None)
        for name, value in (("rows", rows), ("columns", columns))
    )
    chosen = body.op(
        "Add", body.op("Mul", number, body.constant(groups, "int64")), body.constant(_groups(node), "int64")
    )
    own = body.op("Gather", maps, chosen, axis=0)  # (bins, bins, channels, H, W)
    sums = body.op("Einsum", own, body.cast(row, x.dtype), body.cast(column, x.dtype), equation="ijchw,ih,jw->cij")
    counts = [
        body.op("Unsqueeze", body.reduce("ReduceSum", part, [1], keepdims=False), body.ints(axis))
        for part, axis in ((row, 1), (column, 0))
    ]
    count = body.cast(body.op("Mul", *counts), x.dtype)
    mean = body.op("Div", sums, arithmetic(body, "Max", count, 1))
    shape = (node["output_channels"], bins, bins)
    mean = body.builder.with_shape(mean, shape)
    return scan(node, body, ([], [image, rows, columns]), [number, row, column], ([], [mean]))[0]


def _covered(node: NodeContext, start: OnnxValue, extent: OnnxValue, places: OnnxValue) -> OnnxValue:
    """Return 1 for the positions of each bin (regions, bins, positions), else 0."""
    bins = node.like(np.arange(node["output_size"]), start)
    first = node.op("Floor", node.op("Add", node.op("Mul", bins, extent), start))
    last = node.op("Ceil", node.op("Add", node.op("Mul", arithmetic(node, "Add", bins, 1), extent), start))
    first, last = (node.op("Unsqueeze", edge, node.ints(2)) for edge in (first, last))
    places = node.cast(places, start.dtype)
    inside = node.op("And", node.op("GreaterOrEqual", places, first), node.op("Less", places, last))
    return node.cast(inside, "float32")


@rule("deformable_position_sensitive_roi_pool", single=True)
def deformable_position_sensitive_roi_pool(
    node: NodeContext, x: OnnxValue, regions: OnnxValue, offsets: OnnxValue | None = None
) -> OnnxValue:
    image, (left, top, wide, high) = _pixel_region(node, regions)
    classes, bins, samples = _classes(node, offsets), node["output_size"], node["samples"]
    down = _sample_places(node, top, high, (2, 4))
    across = _sample_places(node, left, wide, (3, 5))
    if offsets is not None:
        part = np.floor(np.arange(bins, dtype=np.float32) / np.float32(bins) * np.float32(node["part_size"]))
        shifts = arithmetic(node, "Mul", offsets, node["offset_scale"])
        for axis in (2, 3):
            shifts = node.op("Gather", shifts, node.constant(part.astype(np.int64), "int64"), axis=axis)
        shifts = node.reshape(shifts, [-1, classes, 2, bins, bins, 1, 1])
        moves = node.ops("Split", [shifts], 2, axis=2, num_outputs=2 if node.opset >= 18 else None)
        move_x, move_y = (node.op("Squeeze", move, node.ints(2)) for move in moves)
        across = node.op("Add", across, node.op("Mul", move_x, _spread(node, wide, 6)))
        down = node.op("Add", down, node.op("Mul", move_y, _spread(node, high, 6)))
    own = np.arange(classes)[:, None, None] * node["group_size"] ** 2 + _groups(node)
    number = arithmetic(node, "Mul", _spread(node, image, 6), classes * node["group_size"] ** 2)
    number = node.op("Add", number, node.constant(own[None, ..., None, None], "int64"))
    shape = node.vector([node.extent(regions, 0), classes, bins, bins, samples, samples])
    down, across = (node.op("Expand", place, shape) for place in (down, across))
    values = bilinear(node, _by_group(node, x, classes), number, down, across)
    return _mean_of_counted(node, values, [down, across], x)


def _classes(node: NodeContext, offsets: OnnxValue | None) -> int:
    if offsets is None:
        return 1
    channels = node.extent(offsets, 1)
    if not isinstance(channels, int):
        raise NeedsShape("the number of its classes is unknown")
    return channels // 2


def _sample_places(node: NodeContext, start: OnnxValue, extent: OnnxValue, axes: tuple[int, int]) -> OnnxValue:
    """Return the positions of the samples, which broadcast to (regions, classes, bins, bins, samples, samples)."""
    bins, samples = node["output_size"], node["samples"]
    shape = [1] * 6
    shape[axes[0]], shape[axes[1]] = bins, samples
    shares = (np.arange(bins)[:, None] + np.arange(samples) / samples) / bins
    start = arithmetic(node, "Sub", _spread(node, start, 6), 0.5)
    steps = node.op("Mul", _spread(node, extent, 6), node.like(shares.reshape(shape), extent))
    return node.op("Add", start, steps)


def _mean_of_counted(node: NodeContext, values: OnnxValue, places: Sequence[OnnxValue], x: OnnxValue) -> OnnxValue:
    """Return the means over the samples that are on the map (regions, channels, bins, bins)."""
    conditions = []
    for place, axis in zip(places, (2, 3)):
        end = arithmetic(node, "Sub", scalar(node, node.extent(x, axis), place.dtype), 0.5)
        conditions += [arithmetic(node, "GreaterOrEqual", place, -0.5), node.op("LessOrEqual", place, end)]
    counted = node.op("Unsqueeze", _both(node, *conditions), node.ints([-1]))
    total = node.reduce("ReduceSum", node.op("Where", counted, values, node.like(0, values)), [4, 5], keepdims=False)
    count = node.reduce("ReduceSum", node.cast(counted, "float32"), [4, 5], keepdims=False)
    mean = node.op("Div", total, node.cast(arithmetic(node, "Max", count, 1), total.dtype))
    moved = node.op("Transpose", mean, perm=[0, 1, 4, 2, 3])
    bins = node["output_size"]
    return node.reshape(moved, [node.extent(moved, 0), node["output_channels"], bins, bins])
