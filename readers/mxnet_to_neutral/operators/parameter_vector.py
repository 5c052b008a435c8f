"""Split a recurrent layer's vector of parameters that the graph computes into matrices."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import RoleDraft
from neutral.packed_rnn import Matrix


def split_vector(context: NodeContext, matrices: Sequence[Matrix]) -> dict[str, RoleDraft]:
    """Return the roles of a recurrent layer as parts of its input 1, which the graph computes.

    Args:
        context: The node.
        matrices: The roles with their shapes, in the vector's order.

    Returns:
        The roles. The first matrix of one direction may have any number of columns: it takes the elements
        that the others leave.

    Raises:
        Refusal: Two matrices have an unknown number of columns.
    """
    input_size = context.channels(0, -1)
    open_matrices = [shape for _, shape in matrices if None in shape]
    if input_size is None and len(open_matrices) > 1:
        context.refuse("its parameter vector is computed, and the size of its input is not known from the graph")
    sizes = [_size(shape, input_size) for _, shape in matrices]
    roles: dict[str, RoleDraft] = {}
    for index, (role, shape) in enumerate(matrices):
        start: int | None = None if None in sizes[:index] else sum(size or 0 for size in sizes[:index])
        behind = sum(size or 0 for size in sizes[index:])
        begin = start if start is not None else -behind
        end = None if index == len(sizes) - 1 else -sum(size or 0 for size in sizes[index + 1 :])
        part = context.node("slice", context.input(1), axes=(0,), starts=(begin or None,), ends=(end,), steps=(1,))
        roles[role] = context.node("reshape", part, shape=(shape[0], -1)[: len(shape)], from_end=False)
    return roles


def _size(shape: Sequence[int | None], input_size: int | None) -> int | None:
    """Return the number of elements of a matrix, None if it is not known."""
    size = 1
    for extent in shape:
        known = input_size if extent is None else extent
        if known is None:
            return None
        size *= known
    return size
