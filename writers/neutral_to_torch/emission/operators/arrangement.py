"""Joining, cutting, repeating and padding."""

from __future__ import annotations

from typing import Any, Sequence

from neutral_to_torch.emission.expression.symbols import F, Symbol, helper, torch
from neutral_to_torch.emission.expression.terms import Name
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, Unsupported, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.operators.shape import positive


@rule("concatenate")
def concatenate(node: NodeView, *inputs: Symbol) -> Symbol:
    return torch.cat(list(inputs), dim=node["axis"])


@rule("stack")
def stack(node: NodeView, *inputs: Symbol) -> Symbol:
    return torch.stack(list(inputs), dim=node["axis"])


@rule("split")
def split(node: NodeView, x: Symbol) -> Result:
    return unpack(x.chunk(node["parts"], dim=node["axis"]), tuple(range(node["parts"])))


@rule("uneven_split")
def uneven_split(node: NodeView, x: Symbol) -> Result:
    return unpack(x.tensor_split(node["parts"], dim=node["axis"]), tuple(range(node["parts"])))


@rule("split_at")
def split_at(node: NodeView, x: Symbol) -> Result:
    indices = node["indices"]
    return unpack(x.tensor_split(indices, dim=node["axis"]), tuple(range(len(indices) + 1)))


@rule("hsplit")
def hsplit(node: NodeView, x: Symbol) -> Result:
    parts, indices = node["parts"], node["indices"]
    return unpack(torch.hsplit(x, parts or indices), tuple(range(parts or len(indices) + 1)))


@rule("unbind")
def unbind(node: NodeView, x: Symbol) -> Result:
    return unpack(x.unbind(node["axis"]), tuple(range(node["parts"])))


def cut(x: Symbol, axes: Sequence[int], slices: Sequence[slice]) -> Symbol:
    """Write ``x[:, 1:3]``; axes counted from both ends one after the other.

    Args:
        x: The tensor.
        axes: The axes to slice, negative ones counted from the last.
        slices: The slice of each axis.

    Returns:
        The sliced tensor, of the same rank.
    """
    by_axis = dict(zip(axes, slices))
    result = x
    front = {axis: item for axis, item in by_axis.items() if axis >= 0}
    back = {axis: item for axis, item in by_axis.items() if axis < 0}
    if front:
        result = result[tuple(front.get(axis, slice(None)) for axis in range(max(front) + 1))]
    if back:
        from_end = (..., *(back.get(axis, slice(None)) for axis in range(min(back), 0)))
        result = result[from_end]
    return result


def _forwards(node: NodeView) -> tuple[tuple[int, ...], list[slice], list[int]]:
    """Return slices with positive steps, and the axes to flip before: ``x[b:e:-s]`` is ``x.flip(0)[~b:~e:s]``."""
    slices, flipped = [], []
    axes = positive(node["axes"], node.rank())
    for axis, start, end, step in zip(axes, node["starts"], node["ends"], node["steps"]):
        if step < 0:
            flipped.append(axis)
            start, end, step = (None if start is None else ~start), (None if end is None else ~end), -step
        slices.append(slice(start, end, None if step == 1 else step))
    return axes, slices, flipped


@rule("slice")
def slice_(node: NodeView, x: Symbol) -> Symbol:
    axes, slices, flipped = _forwards(node)
    source = x.flip(*flipped) if flipped else x
    remaining = [(axis, item) for axis, item in zip(axes, slices) if item != slice(None)]
    return cut(source, *zip(*remaining)) if remaining else source


@rule("slice_assign")
def slice_assign(node: NodeView, x: Symbol, value: Symbol) -> Symbol:
    axes, slices, flipped = _forwards(node)
    if min(axes) < 0:
        raise Unsupported("axes that count from the end of an input whose number of axes is not known")
    by_axis = dict(zip(axes, slices))
    index = tuple(_slice(by_axis.get(axis, slice(None))) for axis in range(max(axes) + 1))
    source = x.flip(*flipped) if flipped else x
    result = helper.slice_assign(source, index, value)
    return result.flip(*flipped) if flipped else result


def _slice(item: slice) -> Symbol:
    """Return ``slice(1, 3)`` as an expression."""
    bounds: tuple[Any, ...] = (item.start, item.stop, item.step)
    if item.step is None:
        bounds = bounds[:2] if item.start is not None else (item.stop,)
    return Symbol(Name("slice"))(*bounds)


@rule("slice_like")
def slice_like(node: NodeView, x: Symbol, like: Symbol) -> Symbol:
    rank, axes = node.rank(), node["axes"]
    if axes is None and rank is None:
        return helper.slice_like(x, like)
    axes = tuple(range(rank or 0)) if axes is None else positive(axes, rank)
    if node.is_constant(0) and min(axes) >= 0:
        return helper.slice_like(x, like, axes)  # torch.fx cannot slice a buffer by an extent that it traces
    return cut(x, axes, [slice(like.shape[x.ndim - -axis if axis < 0 else axis]) for axis in axes])


@rule("crop")
def crop(node: NodeView, x: Symbol, like: Symbol | None = None) -> Symbol:
    size = node["size"] if like is None else like.shape[2:]
    offset = node["offset"]
    return helper.crop(x, size) if offset is None else helper.crop(x, size, offset)


@rule("pad")
def pad(node: NodeView, x: Symbol) -> Symbol:
    pairs = list(zip(node["before"], node["after"]))
    if node["mode"] == "constant":
        while len(pairs) > 1 and pairs[0] == (0, 0):
            pairs.pop(0)
        widths = tuple(width for pair in reversed(pairs) for width in pair)
        return F.pad(x, widths, value=node["value"]) if node["value"] else F.pad(x, widths)
    if node["mode"] in ("maximum", "minimum"):
        return helper.pad_with_extremes(x, tuple(pairs), largest=node["mode"] == "maximum")
    if node["mode"] == "symmetric" or pairs[:2] != [(0, 0)] * 2 or len(pairs) > 5:
        return helper.pad_from_within(x, tuple(pairs), mode=node["mode"])
    widths = tuple(width for pair in reversed(pairs[2:]) for width in pair)
    return F.pad(x, widths, mode={"edge": "replicate", "reflect": "reflect"}[node["mode"]])


@rule("tile")
def tile(node: NodeView, x: Symbol) -> Symbol:
    return x.tile(*node["repeats"])


@rule("repeat")
def repeat(node: NodeView, x: Symbol) -> Symbol:
    if node["axis"] is None:
        return x.repeat_interleave(node["repeats"])
    return x.repeat_interleave(node["repeats"], dim=node["axis"])


@rule("flip")
def flip(node: NodeView, x: Symbol) -> Symbol:
    axes, rank = node["axes"], node.rank()
    if axes is None:
        return x.flip(Symbol(Name("tuple"))(Symbol(Name("range"))(x.ndim)) if rank is None else tuple(range(rank)))
    return x.flip(*axes)


@rule("broadcast_to")
def broadcast_to(node: NodeView, x: Symbol) -> Symbol:
    return x.expand(*(extent or -1 for extent in node["shape"]))


@rule("broadcast_axes")
def broadcast_axes(node: NodeView, x: Symbol) -> Symbol:
    return _broadcast(node, x, dict(zip(node["axes"], node["sizes"])))


@rule("broadcast_like")
def broadcast_like(node: NodeView, x: Symbol, like: Symbol) -> Symbol:
    if node["axes"] is None:
        return x.expand_as(like)
    return _broadcast(node, x, {axis: like.shape[other] for axis, other in zip(node["axes"], node["like_axes"])})


def _broadcast(node: NodeView, x: Symbol, extents: dict[int, Any]) -> Symbol:
    """Expand axes of extent 1, or repeat them where the rank is unknown."""
    rank = node.rank()
    if rank is None:
        for axis, extent in extents.items():
            x = x.repeat_interleave(extent, dim=axis)
        return x
    return x.expand(*(extents.get(axis, extents.get(axis - rank, -1)) for axis in range(rank)))


_STACKS = {"vstack": torch.vstack, "hstack": torch.hstack, "dstack": torch.dstack, "column_stack": torch.column_stack}


@rule(*_STACKS)
def stack_like_numpy(node: NodeView, *inputs: Symbol) -> Symbol:
    return _STACKS[node.kind](list(inputs))


@rule("roll")
def roll(node: NodeView, x: Symbol) -> Symbol:
    shifts, axes = node["shifts"], node["axes"]
    if axes is None:
        return x.roll(shifts[0])
    return x.roll(shifts[0], axes[0]) if len(axes) == 1 else x.roll(shifts, axes)


@rule("lower_triangle", "upper_triangle")
def triangle(node: NodeView, x: Symbol) -> Symbol:
    method = {"lower_triangle": x.tril, "upper_triangle": x.triu}[node.kind]
    return method(node["offset"]) if node["offset"] else method()


@rule("difference")
def difference(node: NodeView, x: Symbol) -> Symbol:
    return x.diff(n=node["times"], dim=node["axis"]) if node["times"] != 1 else x.diff(dim=node["axis"])


def _window(node: NodeView) -> dict[str, Any]:
    defaults = {"dilation": (1, 1), "padding": (0, 0), "stride": (1, 1)}
    return {name: node[name] for name, default in defaults.items() if node[name] != default}


@rule("extract_patches")
def extract_patches(node: NodeView, x: Symbol) -> Symbol:
    return F.unfold(x, node["kernel_size"], **_window(node))


@rule("add_patches")
def add_patches(node: NodeView, x: Symbol) -> Symbol:
    return F.fold(x, node["output_size"], node["kernel_size"], **_window(node))
