"""Split a recurrent layer's vector of parameters that the graph computes into matrices."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import RoleDraft
from neutral.graph import Operand, Value
from neutral.packed_rnn import Matrix


def split_vector(context: NodeContext, matrices: Sequence[Matrix]) -> dict[str, RoleDraft]:
    """Return the roles of a recurrent layer as parts of its input 1, which the graph computes.

    Args:
        context: The node.
        matrices: The roles with their shapes, in the vector's order.

    Returns:
        The roles. Where the graph does not tell the size of the input, the matrices of that many columns take the
        elements that the others leave, in equal parts.
    """
    input_size = context.channels(0, -1)
    vector = context.input(1)
    directions = [index for index, (_, shape) in enumerate(matrices) if None in shape]
    if input_size is not None or len(directions) < 2:
        return _split(context, vector, matrices, input_size)
    count = len(directions) * (directions[1] - directions[0])  # the matrices of the first layer
    behind = sum(_size(shape, None) or 0 for _, shape in matrices[count:])
    halves = context.node("reshape", _part(context, vector, None, -behind), shape=(len(directions), -1), from_end=False)
    roles: dict[str, RoleDraft] = {}
    for index, start in enumerate(directions):
        half = context.node("reshape", _part(context, halves, index, index + 1), shape=(-1,), from_end=False)
        roles.update(_split(context, half, matrices[start : start + count // len(directions)], None))
    return {**roles, **_split(context, _part(context, vector, -behind, None), matrices[count:], None)}


def _split(
    context: NodeContext, vector: Operand, matrices: Sequence[Matrix], input_size: int | None
) -> dict[str, RoleDraft]:
    """Return roles as parts of a vector, of which at most one has an unknown number of elements."""
    sizes = [_size(shape, input_size) for _, shape in matrices]
    roles: dict[str, RoleDraft] = {}
    for index, (role, shape) in enumerate(matrices):
        start: int | None = None if None in sizes[:index] else sum(size or 0 for size in sizes[:index])
        behind = sum(size or 0 for size in sizes[index:])
        begin = start if start is not None else -behind
        end = None if index == len(sizes) - 1 else -sum(size or 0 for size in sizes[index + 1 :])
        part = _part(context, vector, begin or None, end)
        roles[role] = context.node("reshape", part, shape=(shape[0], -1)[: len(shape)], from_end=False)
    return roles


def _part(context: NodeContext, value: Operand, start: int | None, end: int | None) -> Value:
    return context.node("slice", value, axes=(0,), starts=(start,), ends=(end,), steps=(1,))


def _size(shape: Sequence[int | None], input_size: int | None) -> int | None:
    """Return the number of elements of a matrix, None if it is not known."""
    size = 1
    for extent in shape:
        known = input_size if extent is None else extent
        if known is None:
            return None
        size *= known
    return size
