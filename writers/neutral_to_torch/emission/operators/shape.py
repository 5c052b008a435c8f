"""Shapes and the order of axes."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from neutral_to_torch.emission.expression.symbols import Symbol, either, helper, nn, operation, torch
from neutral_to_torch.emission.expression.terms import Name
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule


def starred(x: Symbol) -> Symbol:
    """Return ``*x``, among arguments.

    Args:
        x: An expression of a sequence.

    Returns:
        A symbol that is valid among the arguments of a call only.
    """
    return operation("*", x)


def positive(axes: Sequence[int], rank: int | None) -> tuple[int, ...]:
    """Return the axes counted from the first where the rank is known.

    Args:
        axes: The axes; negative ones count from the last.
        rank: The number of axes of the tensor, None if it is unknown.

    Returns:
        The axes in the same order; unchanged if the rank is unknown.
    """
    return tuple(axes) if rank is None else tuple(axis % rank for axis in axes)


def may_cover(axes: Sequence[int], rank: int | None) -> bool:
    """Return whether the axes may be all axes.

    Args:
        axes: Different axes of a tensor.
        rank: The number of its axes, None if it is unknown.

    Returns:
        False if an axis of the tensor is certainly left out.
    """
    return all(-len(axes) <= axis < len(axes) for axis in axes) if rank is None else len(axes) == rank


@rule("flatten")
def flatten(node: NodeView, x: Symbol) -> Symbol:
    if node.may_be_vector():
        return features_of_samples(node, x)
    return either(node.module(nn.Flatten())(x), x.flatten(1))


def features_of_samples(node: NodeView, x: Symbol) -> Symbol:
    """Write all axes but the first as one; a vector has one feature for each sample.

    Args:
        node: The node, whose first input is ``x``.
        x: The input.

    Returns:
        A matrix, the input itself if it is one.
    """
    if node.rank() == 1:
        return x.unsqueeze(1)
    if node.may_be_vector():
        return x.unsqueeze(-1).flatten(1)
    return x if node.rank() == 2 else x.flatten(1)


class _Extents(NamedTuple):
    """Several extents of a shape, as one expression."""

    symbol: Symbol


def _arguments(extents: Sequence[int | Symbol | _Extents]) -> list[Any]:
    """Return extents as arguments; with unknown numbers of them as a sum of tuples, which TorchScript takes too."""
    if not any(isinstance(extent, _Extents) for extent in extents):
        return list(extents)
    parts: list[Any] = []
    for extent in extents:
        if isinstance(extent, _Extents):
            parts.append(extent.symbol)
        elif parts and isinstance(parts[-1], tuple):
            parts[-1] += (extent,)
        else:
            parts.append((extent,))
    total = parts[0]
    for part in parts[1:]:
        total = operation("+", total, part)
    return [total]


@rule("reshape")
def reshape(node: NodeView, x: Symbol) -> Symbol:
    shape, from_end, rank = node["shape"], node["from_end"], node.rank()
    if rank is not None:
        return _between_kept_axes(x, _sources(shape, from_end, rank), rank, from_end)
    if from_end and shape[1:] == (-2,) and shape[0] == 1:
        return x.unsqueeze(0)
    if shape == (-2, 1):
        return x.unsqueeze(-1)
    if not shape:
        return x.reshape(())
    return x.reshape(*_arguments([_extent(x, shape, place, from_end) for place in range(len(shape))]))


def _extent(x: Symbol, shape: tuple[int, ...], place: int, from_end: bool) -> int | Symbol | _Extents:
    code = shape[place]
    behind = len(shape) - 1 - place
    if code == 0:
        return x.shape[-1 - behind if from_end else place]
    if code == -2:
        if from_end:
            return _Extents(x.shape[:-behind] if behind else x.shape)
        return _Extents(x.shape[place:] if place else x.shape)
    return code


def _sources(shape: tuple[int, ...], from_end: bool, rank: int) -> list[int | str]:
    """Return for each output axis a number as in ``shape``, or the axis of the input that it is as text."""
    codes = shape[::-1] if from_end else shape
    sources: list[int | str] = []
    for code in codes:
        place = len(sources)
        taken = range(place, rank) if code == -2 else (place,) if code == 0 else None
        if taken is None:
            sources.append(code)
        else:
            sources += [str(rank - 1 - axis if from_end else axis) for axis in taken]
    return sources[::-1] if from_end else sources


def _between_kept_axes(x: Symbol, sources: list[int | str], rank: int, from_end: bool) -> Symbol:
    """Write a reshape that keeps leading or trailing axes as the shortest of flatten, unflatten and reshape."""
    first = 0
    while first < min(rank, len(sources)) and sources[first] == str(first):
        first += 1
    last = 0
    while last < min(rank, len(sources)) - first and sources[-1 - last] == str(rank - 1 - last):
        last += 1
    middle = sources[first : len(sources) - last]
    covered = rank - first - last
    numbers = tuple(item for item in middle if isinstance(item, int))
    if len(numbers) == len(middle):
        if covered <= 1 and len(numbers) == covered:
            return x
        if covered == 0 and numbers == (1,):
            return x.unsqueeze(first if last else -1)
        if covered == 1 and numbers:
            return x.unflatten(first, numbers)
        if covered > 1 and len(numbers) == 1:
            return x.flatten(first, rank - 1 - last) if last else x.flatten(first)
        if not numbers and first and not last:
            return x.flatten(first - 1)
    extents = (x.shape[int(s) - rank if from_end else int(s)] if isinstance(s, str) else s for s in sources)
    return x.reshape(*extents)


@rule("merge_axes")
def merge_axes(node: NodeView, x: Symbol) -> Symbol:
    first, last = node["axis"], node["axis"] + node["count"] - 1
    return x.flatten(first) if last == -1 else x.flatten(first, last)


@rule("split_axis")
def split_axis(node: NodeView, x: Symbol) -> Symbol:
    return x.unflatten(node["axis"], node["sizes"])


@rule("reshape_like")
def reshape_like(node: NodeView, x: Symbol, like: Symbol) -> Symbol:
    if _is_whole(node):
        return x.reshape(like.shape)
    start, end = node["start"], node["end"]
    extents = [like.shape[node["like_start"] or None : node["like_end"]]]
    if start:
        extents.insert(0, x.shape[:start])
    if end is not None:
        extents.append(x.shape[end:])
    return x.reshape(*_arguments(list(map(_Extents, extents))))


def _is_whole(node: NodeView) -> bool:
    return (node["start"], node["end"], node["like_start"], node["like_end"]) == (0, None, 0, None)


@rule("transpose")
def transpose(node: NodeView, x: Symbol) -> Symbol:
    axes, rank = node["axes"], node.rank()
    if axes is None and rank is None:
        return x.permute(Symbol(Name("tuple"))(Symbol(Name("range"))(x.ndim))[::-1])  # stars fail without axes
    if axes is None:
        axes = tuple(range(rank or 0))[::-1]
    moved = [axis for axis, source in enumerate(axes) if axis != source]
    if not moved:
        return x
    return x.transpose(*moved) if len(moved) == 2 else x.permute(*axes)


@rule("swap_axes")
def swap_axes(node: NodeView, x: Symbol) -> Symbol:
    axis, other = node["axis"], node["other_axis"]
    return x if axis == other else x.transpose(axis, other)


@rule("move_axis")
def move_axis(node: NodeView, x: Symbol) -> Symbol:
    return x.movedim(node["source"], node["destination"])


@rule("move_axes")
def move_axes(node: NodeView, x: Symbol) -> Symbol:
    return x.movedim(node["sources"], node["destinations"])


@rule("rotate90")
def rotate90(node: NodeView, x: Symbol) -> Symbol:
    return torch.rot90(x, node["quarters"], [node["axis"], node["other_axis"]])


@rule("at_least")
def at_least(node: NodeView, x: Symbol) -> Symbol:
    functions = {1: torch.atleast_1d, 2: torch.atleast_2d, 3: torch.atleast_3d}
    return functions[node["dims"]](x)


@rule("unsqueeze")
def unsqueeze(node: NodeView, x: Symbol) -> Symbol:
    return x.unsqueeze(node["axis"])


@rule("squeeze")
def squeeze(node: NodeView, x: Symbol) -> Symbol:
    axes = node["axes"]
    if axes is None:
        result = x.squeeze()
    elif node["at_least_1d"] and node.rank() == len(axes):
        return x.flatten() if len(axes) > 1 else x
    else:
        result = x.squeeze(axes[0] if len(axes) == 1 else axes)
    if node["at_least_1d"] and (axes is None or may_cover(axes, node.rank())):
        return torch.atleast_1d(result)
    return result


@rule("depth_to_space")
def depth_to_space(node: NodeView, x: Symbol) -> Symbol:
    return helper.depth_to_space(x, node["size"])


@rule("space_to_depth")
def space_to_depth(node: NodeView, x: Symbol) -> Symbol:
    return helper.space_to_depth(x, node["size"])


@rule("shape")
def shape(node: NodeView, x: Symbol) -> Symbol:
    return helper.shape_of(x)


@rule("size")
def size(node: NodeView, x: Symbol) -> Symbol:
    return helper.shape_of(x).prod().reshape(1)


@rule("reshape_to")
def reshape_to(node: NodeView, x: Symbol, shape: Symbol) -> Symbol:
    return helper.reshape_to(x, shape)
