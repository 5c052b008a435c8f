"""Locate the matrices of a recurrent layer in one vector of all its parameters.

The order is cuDNN's: the weights of all layers, then the biases of all layers; of a layer the forward direction, then
the backward one; of a direction the input's part, the state's part, then the projection. The order of the gates is the
catalogue's.
"""

from __future__ import annotations

from math import prod
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from neutral.operators.recurrent import GATES

Matrix = Tuple[str, Tuple[Optional[int], ...]]
"""A role and its shape; None for the size of the input."""


class Slice(NamedTuple):
    """A role's part of a vector.

    Attributes:
        role: The role of the catalogue.
        start: Its first element in the vector.
        shape: Its shape.
    """

    role: str
    start: int
    shape: tuple[int, ...]


def packed_matrices(kind: str, attributes: Mapping[str, Any]) -> Iterator[Matrix]:
    """Yield the matrices and biases of a recurrent layer in the order of its vector.

    Args:
        kind: ``lstm``, ``gru`` or ``rnn``.
        attributes: The layer's attributes: ``hidden_size``, ``num_layers``, ``bidirectional``, and ``projection_size``
            where it is not 0.

    Yields:
        Roles and shapes; the first layer's number of columns is None.

    Example:
        >>> attributes = {"hidden_size": 2, "num_layers": 1, "bidirectional": False}
        >>> for role, shape in packed_matrices("gru", attributes):
        ...     print(role, shape)
        weight_ih_l0 (6, None)
        weight_hh_l0 (6, 2)
        bias_ih_l0 (6,)
        bias_hh_l0 (6,)
    """
    hidden, projection = attributes["hidden_size"], attributes.get("projection_size", 0)
    rows, state = GATES[kind] * hidden, projection or hidden
    directions = ("", "_reverse") if attributes["bidirectional"] else ("",)
    for layer in range(attributes["num_layers"]):
        for direction in directions:
            yield f"weight_ih_l{layer}{direction}", (rows, state * len(directions) if layer else None)
            yield f"weight_hh_l{layer}{direction}", (rows, state)
            if projection:
                yield f"weight_hr_l{layer}{direction}", (projection, hidden)
    for layer in range(attributes["num_layers"]):
        for direction in directions:
            yield f"bias_ih_l{layer}{direction}", (rows,)
            yield f"bias_hh_l{layer}{direction}", (rows,)


def packed_size(matrices: Sequence[Matrix], input_size: int) -> int:
    """Return the number of elements of a vector.

    Args:
        matrices: The matrices and biases, as of :func:`packed_matrices`.
        input_size: The number of features of the input.

    Returns:
        The number of elements of all matrices and biases.

    Example:
        >>> packed_size([("weight_ih_l0", (6, None)), ("bias_ih_l0", (6,))], 5)
        36
    """
    return sum(prod(_known(shape, input_size)) for _, shape in matrices)


def locate_matrices(matrices: Sequence[Matrix], size: int) -> list[Slice] | None:
    """Return the place of each matrix in a vector, whose length tells the size of the input.

    Args:
        matrices: The matrices and biases, as of :func:`packed_matrices`.
        size: The number of elements of the vector.

    Returns:
        The slices in order; None where no size of the input adds up to this number of elements.

    Example:
        >>> matrices = [("weight_ih_l0", (6, None)), ("bias_ih_l0", (6,))]
        >>> locate_matrices(matrices, 36)
        [Slice(role='weight_ih_l0', start=0, shape=(6, 5)), Slice(role='bias_ih_l0', start=30, shape=(6,))]
        >>> locate_matrices(matrices, 37) is None
        True
    """
    fixed = packed_size(matrices, 0)
    rows = packed_size(matrices, 1) - fixed
    if rows < 1 or size <= fixed or (size - fixed) % rows:
        return None
    input_size = (size - fixed) // rows
    slices, start = [], 0
    for role, shape in matrices:
        slices.append(Slice(role, start, _known(shape, input_size)))
        start += prod(slices[-1].shape)
    return slices


def _known(shape: tuple[int | None, ...], input_size: int) -> tuple[int, ...]:
    return tuple(input_size if extent is None else extent for extent in shape)
