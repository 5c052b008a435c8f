"""Operators that change the shape of a tensor or the order of its axes."""

from __future__ import annotations

import math

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, refuse, rule

refuse("standard operators know only the codes 0 and -1 of a shape that is an operand", "reshape_to")


@rule("flatten")
def flatten(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return x if x.rank == 2 else node.op("Flatten", x, axis=1)


@rule("reshape")
def reshape(node: NodeContext, x: OnnxValue) -> OnnxValue:
    codes = list(node["shape"])
    if -2 not in codes and not node["from_end"] and x.rank is None:
        return node.op("Reshape", x, node.ints(codes))  # the codes 0 and -1 are those of ONNX
    step = -1 if node["from_end"] else 1
    extents = node.extents(x)[::step] if -2 in codes or 0 in codes else []
    result: list[int | Extent] = []
    for position, code in enumerate(codes[::step]):
        if code == -2:
            result += extents[position:]
        else:
            result.append(extents[position] if code == 0 else code)
    return node.reshape(x, result[::step])


@rule("merge_axes")
def merge_axes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axis, extents = node.axis(node["axis"], x), node.extents(x)
    return node.reshape(x, [*extents[:axis], -1, *extents[axis + node["count"] :]])


@rule("split_axis")
def split_axis(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axis, extents = node.axis(node["axis"], x), node.extents(x)
    return node.reshape(x, [*extents[:axis], *node["sizes"], *extents[axis + 1 :]])


@rule("reshape_like")
def reshape_like(node: NodeContext, x: OnnxValue, like: OnnxValue) -> OnnxValue:
    start = node.axis(node["start"], x)
    extents = node.extents(x)
    rest = [] if node["end"] is None else extents[node["end"] :]
    parts = [*extents[:start], *node.extents(like)[node["like_start"] : node["like_end"]], *rest]
    return node.reshape(x, parts)


@rule("transpose")
def transpose(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axes = node["axes"]
    return permuted(node, x, None if axes is None else [axis % len(axes) for axis in axes])


def permuted(node: NodeContext, x: OnnxValue, axes: list[int] | None) -> OnnxValue:
    """Return a value with its axes in another order.

    Args:
        node: The node.
        x: The value.
        axes: The axes, from 0; None for the reverse order.

    Returns:
        The value itself if the order is the same.
    """
    return x if axes == list(range(len(axes or ()))) and axes else node.op("Transpose", x, perm=axes)


@rule("swap_axes")
def swap_axes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    order = list(range(node.rank(x)))
    first, second = node.axis(node["axis"], x), node.axis(node["other_axis"], x)
    order[first], order[second] = second, first
    return permuted(node, x, order)


@rule("move_axis")
def move_axis(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return _moved(node, x, [node["source"]], [node["destination"]])


@rule("move_axes")
def move_axes(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return _moved(node, x, list(node["sources"]), list(node["destinations"]))


def _moved(node: NodeContext, x: OnnxValue, sources: list[int], destinations: list[int]) -> OnnxValue:
    sources, destinations = ([node.axis(axis, x) for axis in axes] for axes in (sources, destinations))
    order = [axis for axis in range(node.rank(x)) if axis not in sources]
    for destination, source in sorted(zip(destinations, sources)):
        order.insert(destination, source)
    return permuted(node, x, order)


@rule("rotate90")
def rotate90(node: NodeContext, x: OnnxValue) -> OnnxValue:
    first, second = node.axis(node["axis"], x), node.axis(node["other_axis"], x)
    quarters = node["quarters"] % 4
    order = list(range(node.rank(x)))
    order[first], order[second] = second, first
    if quarters == 2:
        return flipped(node, x, [first, second])
    if quarters == 1:
        return permuted(node, flipped(node, x, [second]), order)
    return flipped(node, permuted(node, x, order), [second]) if quarters == 3 else x


def flipped(node: NodeContext, x: OnnxValue, axes: list[int]) -> OnnxValue:
    """Return a value with the positions along axes in reverse order.

    Args:
        node: The node.
        x: The value.
        axes: The axes.

    Returns:
        The value.
    """
    count = len(axes)
    least = -(2**63) + 1
    return node.op(
        "Slice", x, node.ints([-1] * count), node.ints([least] * count), node.ints(axes), node.ints([-1] * count)
    )


@rule("at_least")
def at_least(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return with_rank(node, x, node["dims"])


def with_rank(node: NodeContext, x: OnnxValue, dims: int) -> OnnxValue:
    """Return a value with at least some axes: (n,) becomes (1, n) or (1, n, 1), (m, n) becomes (m, n, 1).

    Args:
        node: The node.
        x: The value.
        dims: The number of axes, from 1 to 3.

    Returns:
        The value itself if it has as many.
    """
    rank = node.rank(x)
    axes = {(0, 1): [0], (0, 2): [0, 1], (0, 3): [0, 1, 2], (1, 2): [0], (1, 3): [0, 2], (2, 3): [2]}.get((rank, dims))
    return x if axes is None else node.op("Unsqueeze", x, node.ints(axes))


@rule("unsqueeze")
def unsqueeze(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Unsqueeze", x, node.ints(node["axis"]))


@rule("squeeze")
def squeeze(node: NodeContext, x: OnnxValue) -> OnnxValue:
    axes = node["axes"]
    if axes is None:
        axes = _unit_axes(node, x)
    rank = None if x.rank is None else x.rank - len(axes)
    if node["at_least_1d"] and node.rank(x) == len(axes):
        return node.reshape(x, [1])
    return x if not axes and rank is not None else node.op("Squeeze", x, node.ints(list(axes)))


def _unit_axes(node: NodeContext, x: OnnxValue) -> list[int]:
    """Return the axes of extent 1, all of which must be known."""
    extents = node.extents(x)
    if any(isinstance(extent, Extent) for extent in extents):
        raise NeedsShape("which axes have extent 1 depends on the input")
    return [axis for axis, extent in enumerate(extents) if extent == 1]


@rule("depth_to_space")
def depth_to_space(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("DepthToSpace", x, blocksize=node["size"], mode="DCR")


@rule("space_to_depth")
def space_to_depth(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("SpaceToDepth", x, blocksize=node["size"])


@rule("shape")
def shape(node: NodeContext, x: OnnxValue) -> OnnxValue:
    return node.op("Shape", x)


@rule("size")
def size(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.shape is not None and all(isinstance(extent, int) for extent in x.shape):
        return node.ints(math.prod(extent for extent in x.shape if isinstance(extent, int)))
    return node.op("Unsqueeze", node.op("Size", x), node.ints(0))
