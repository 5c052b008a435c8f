"""Faults of recurrent layers: another order of the gates, exchanged directions, ignored lengths."""

from __future__ import annotations

from itertools import permutations
from typing import Iterator, Mapping

import numpy as np

from neutral.graph import Node
from neutral.operators import catalogue
from neutral.reference.faults.change import Change
from neutral.reference.registry import Array

NAMES = {"lstm": ("input", "forget", "cell", "output"), "gru": ("reset", "update", "new")}
"""The gates in the order of the catalogue."""

REVERSE = "_reverse"


def gate_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield tensors with the gates in every other order, and with the directions exchanged.

    Args:
        node: The node, a layer or a cell.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        Changes of all matrices and biases.
    """
    names = NAMES[node.kind.partition("_")[0]]
    rows = {role: array for role, array in tensors.items() if not role.startswith("weight_hr")}
    for order in permutations(range(len(names))):
        if order != tuple(sorted(order)):
            words = f"the gates in the order {', '.join(names[number] for number in order)}: permuted gates"
            yield Change(words, tensors={role: _ordered(array, order) for role, array in rows.items()})
    if any(role.endswith(REVERSE) for role in tensors):
        exchanged = {_other(role): array for role, array in tensors.items()}
        if exchanged.keys() == tensors.keys():
            yield Change("the tensors of the two directions exchanged", tensors=exchanged)


def length_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield the layer without the lengths of the sequences.

    Args:
        node: The node, a layer.
        tensors: Ignored.
        operand: Ignored.

    Yields:
        A change of the operands, for a layer that has lengths.
    """
    names = catalogue[node.kind].inputs
    if len(node.inputs) == len(names):
        words = "the lengths of the sequences ignored, as MXNet does on the CPU (use_sequence_length)"
        yield Change(words, operands=len(names) - 1)


def _ordered(array: Array, order: tuple[int, ...]) -> Array:
    """Return a tensor whose blocks of rows are those of other gates."""
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[number] for number in order])


def _other(role: str) -> str:
    return role[: -len(REVERSE)] if role.endswith(REVERSE) else role + REVERSE
