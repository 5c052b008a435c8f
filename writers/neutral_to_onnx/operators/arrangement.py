"""Operators that join, split, repeat and pad tensors."""

from __future__ import annotations

from typing import Sequence

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.shape import flipped, with_rank
from neutral_to_onnx.operators.slices import LAST, sliced
from neutral_to_onnx.registry import NeedsShape, Unsupported, rule


def _joined(node: NodeContext, values: Sequence[OnnxValue], axis: int) -> OnnxValue:
    return values[0] if len(values) == 1 else node.op("Concat", *values, axis=axis)


@rule("concatenate")
def concatenate(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    return _joined(node, node.promoted(*inputs), node["axis"])


@rule("stack")
def stack(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    values = [node.op("Unsqueeze", value, node.ints(node["axis"])) for value in node.promoted(*inputs)]
    return _joined(node, values, node["axis"])


@rule("vstack", "hstack", "dstack", "column_stack")
def stack_matrices(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    kind, values = node.node.kind, node.promoted(*inputs)
    if kind == "column_stack":
        values = [node.reshape(value, [-1, 1]) if node.rank(value) < 2 else value for value in values]
    else:
        least = {"vstack": 2, "hstack": 1, "dstack": 3}[kind]
        values = [with_rank(node, value, least) for value in values]
    axis = {"vstack": 0, "dstack": 2}.get(kind, 0 if node.rank(values[0]) == 1 else 1)
    return _joined(node, values, axis)


@rule("split")
def split(node: NodeContext, x: OnnxValue) -> list[OnnxValue]:
    return _parts(node, x, node["axis"], node["parts"])


def _parts(node: NodeContext, x: OnnxValue, axis: int, parts: int) -> list[OnnxValue]:
    """Return parts of equal extent."""
    if parts == 1:
        return [x]
    if node.opset >= 18:
        return node.ops("Split", [x], parts, axis=axis, num_outputs=parts)
    return node.ops("Split", [x], parts, axis=axis)


@rule("uneven_split")
def uneven_split(node: NodeContext, x: OnnxValue) -> list[OnnxValue]:
    extent, parts = node.extent(x, node["axis"]), node["parts"]
    if not isinstance(extent, int):
        raise NeedsShape("its parts depend on the size of the input")
    sizes = [extent // parts + (number < extent % parts) for number in range(parts)]
    return node.ops("Split", [x, node.ints(sizes)], parts, axis=node["axis"])


@rule("split_at")
def split_at(node: NodeContext, x: OnnxValue) -> list[OnnxValue]:
    return _parts_at(node, x, node["axis"], node["indices"])


def _parts_at(node: NodeContext, x: OnnxValue, axis: int, indices: Sequence[int]) -> list[OnnxValue]:
    bounds = [0, *indices, None]
    return [sliced(node, x, [axis], [start], [end]) for start, end in zip(bounds, bounds[1:])]


@rule("hsplit")
def hsplit(node: NodeContext, x: OnnxValue) -> list[OnnxValue]:
    axis = min(node.rank(x) - 1, 1)
    if node["indices"] is not None:
        return _parts_at(node, x, axis, node["indices"])
    return _parts(node, x, axis, node["parts"] or 1)


@rule("unbind")
def unbind(node: NodeContext, x: OnnxValue) -> list[OnnxValue | None]:
    return [
        node.op("Gather", x, node.constant(number, "int64"), axis=node["axis"]) if node.uses(number) else None
        for number in range(node["parts"])
    ]


@rule("pad")
def pad(node: NodeContext, x: OnnxValue) -> OnnxValue:
    pads = [*node["before"], *node["after"]]
    if not any(pads):
        return x
    if node["mode"] in ("maximum", "minimum"):
        return _padded_with_extremes(node, x)
    if node["mode"] == "symmetric":
        return _mirrored(node, x)
    value = node.like(node["value"], x) if node["mode"] == "constant" else None
    return node.op("Pad", x, node.ints(pads), value, mode=node["mode"])


def _padded_with_extremes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    operator = "ReduceMax" if node["mode"] == "maximum" else "ReduceMin"
    for axis, widths in enumerate(zip(node["before"], node["after"])):
        extreme = node.reduce(operator, x, [axis], keepdims=True)
        tiled = [node.op("Concat", *[extreme] * width, axis=axis) for width in widths if width]
        x = _joined(node, [*tiled[: bool(widths[0])], x, *tiled[bool(widths[0]) :]], axis)
    return x


def _mirrored(node: NodeContext, x: OnnxValue) -> OnnxValue:
    for axis, (before, after) in enumerate(zip(node["before"], node["after"])):
        extent = node.extent(x, axis)
        if not isinstance(extent, int):
            raise NeedsShape("mirrored positions depend on the size of the axis")
        places = [place % (2 * extent) for place in range(-before, extent + after)]
        places = [min(place, 2 * extent - 1 - place) for place in places]
        x = node.op("Gather", x, node.ints(places), axis=axis) if before or after else x
    return x


@rule("tile")
def tile(node: NodeContext, x: OnnxValue) -> OnnxValue:
    rank, repeats = node.rank(x), list(node["repeats"])
    if rank < len(repeats):
        x = node.op("Unsqueeze", x, node.ints(list(range(len(repeats) - rank))))
    return node.op("Tile", x, node.ints([1] * (rank - len(repeats)) + repeats))


@rule("repeat")
def repeat(node: NodeContext, x: OnnxValue) -> OnnxValue:
    count, axis = node["repeats"], node["axis"]
    if axis is None:
        x, axis = node.reshape(x, [-1]), 0
    axis, extents = node.axis(axis, x), node.extents(x)
    repeats = [1] * (len(extents) + 1)
    repeats[axis + 1] = count
    tiled = node.op("Tile", node.op("Unsqueeze", x, node.ints(axis + 1)), node.ints(repeats))
    extent = extents[axis]
    return node.reshape(
        tiled, [*extents[:axis], extent * count if isinstance(extent, int) else -1, *extents[axis + 1 :]]
    )


@rule("flip")
def flip(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axes = list(range(node.rank(x))) if node["axes"] is None else list(node["axes"])
    return flipped(node, x, axes) if axes else x


@rule("broadcast_to")
def broadcast_to(node: NodeContext, x: OnnxValue) -> OnnxValue:
    shape = list(node["shape"])
    if 0 not in shape:
        return node.op("Expand", x, node.ints(shape))
    own = [1] * (len(shape) - node.rank(x)) + node.extents(x)
    return node.op("Expand", x, node.vector([size or extent for size, extent in zip(shape, own)]))


@rule("broadcast_axes")
def broadcast_axes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    shape = [1] * node.rank(x)
    for axis, size in zip(node["axes"], node["sizes"]):
        shape[axis] = size
    return node.op("Expand", x, node.ints(shape))


@rule("broadcast_like")
def broadcast_like(node: NodeContext, x: OnnxValue, like: OnnxValue) -> OnnxValue:
    if node["axes"] is None or node["like_axes"] is None:
        return node.op("Expand", x, node.op("Shape", like))
    shape = node.extents(x)
    for axis, other in zip(node["axes"], node["like_axes"]):
        shape[axis] = node.extent(like, other)
    return node.op("Expand", x, node.vector(shape))


@rule("roll")
def roll(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node["axes"] is None:
        return node.reshape(_rolled(node, node.reshape(x, [-1]), sum(node["shifts"]), 0), node.extents(x))
    for shift, axis in zip(node["shifts"], node["axes"]):
        x = _rolled(node, x, shift, node.axis(axis, x))
    return x


def _rolled(node: NodeContext, x: OnnxValue, shift: int, axis: int) -> OnnxValue:
    extent = node.extent(x, axis)
    if extent == 0:
        return x
    if isinstance(extent, int):
        start = node.ints(-shift % extent)
    else:
        start = node.op("Mod", node.ints(-shift), node.vector([extent]))
    after = node.op("Slice", x, start, node.ints(LAST), node.ints(axis))
    before = node.op("Slice", x, node.ints(0), start, node.ints(axis))
    return node.op("Concat", after, before, axis=axis)


@rule("lower_triangle", "upper_triangle", single=True)
def triangle(node: NodeContext, x: OnnxValue) -> OnnxValue:
    upper = int(node.node.kind == "upper_triangle")
    return node.op("Trilu", x, node.constant(node["offset"], "int64"), upper=upper)


@rule("difference")
def difference(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axis = node.axis(node["axis"], x)
    for _ in range(node["times"]):
        x = node.op("Sub", sliced(node, x, [axis], [1], [None]), sliced(node, x, [axis], [0], [-1]))
    return x


@rule("extract_patches")
def extract_patches(node: NodeContext, x: OnnxValue) -> OnnxValue:
    """Join one slice for each position of the window."""
    (height, width), dilation, padding = node["kernel_size"], node["dilation"], list(node["padding"])
    if any(padding):
        x = node.op("Pad", x, node.ints([0, 0, *padding, 0, 0, *padding]), node.like(0, x))
    taps = []
    for i in range(height):
        for j in range(width):
            starts = [i * dilation[0], j * dilation[1]]
            ends = [(i + 1 - height) * dilation[0], (j + 1 - width) * dilation[1]]
            part = sliced(node, x, [2, 3], starts, [end or None for end in ends], node["stride"])
            taps.append(node.op("Unsqueeze", part, node.ints(2)))
    joined = _joined(node, taps, 2)
    channels = node.extent(x, 1)
    if not isinstance(channels, int):
        raise NeedsShape("the number of channels is unknown")
    return node.reshape(joined, [node.extent(x, 0), channels * height * width, -1])


@rule("add_patches", single=True)
def add_patches(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if node.opset < 18:
        raise Unsupported("Col2Im needs opset 18")
    return node.op(
        "Col2Im",
        x,
        node.ints(list(node["output_size"])),
        node.ints(list(node["kernel_size"])),
        dilations=node["dilation"],
        pads=list(node["padding"]) * 2,
        strides=node["stride"],
    )
