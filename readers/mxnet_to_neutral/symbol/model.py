"""A symbol as data: nodes in MXNet's execution order, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Mapping

from mxnet_to_neutral.symbol.inputs import auxiliary_positions

VARIABLE = "null"
"""What MXNet writes as the operator of a variable."""


@dataclass(frozen=True)
class Entry:
    """An edge's source: output number ``output`` of the node at index ``node``."""

    node: int
    output: int


@dataclass(frozen=True)
class SymbolNode:
    """A variable, or an operator applied to ``inputs``.

    ``attributes`` are the operator's own, as strings, defaults left out; a variable has none. ``hidden`` are those no
    operator reads: ``__shape__``, ``__dtype__``, ``__lr_mult__``, any other ``__x__``, and, on a variable, everything.
    """

    name: str
    operator: str
    attributes: Mapping[str, str]
    hidden: Mapping[str, str]
    inputs: tuple[Entry, ...]
    subgraphs: tuple[Symbol, ...]

    @property
    def is_variable(self) -> bool:
        return self.operator == VARIABLE


@dataclass(frozen=True)
class Symbol:
    """A graph: ``nodes`` in depth-first order from the ``heads``, so every input comes before its consumer.

    ``arguments`` are the indices of all variables in that order, auxiliary states included; the inputs of a control
    flow operator bind to its subgraph's ``arguments`` by position. ``version`` is the MXNet that wrote the file, None
    where it does not say (0.8 and before). With ``numpy_shape``, an unknown dimension is -1, else 0. ``notes`` tell
    what the upgrade changed and what is unusual.
    """

    nodes: tuple[SymbolNode, ...]
    arguments: tuple[int, ...]
    heads: tuple[Entry, ...]
    version: tuple[int, int, int] | None
    numpy_shape: bool
    notes: tuple[str, ...]

    @cached_property
    def consumers(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each node: the (node index, input position) pairs that read one of its outputs."""
        readers: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for position, entry in enumerate(node.inputs):
                readers[entry.node].append((index, position))
        return tuple(tuple(pairs) for pairs in readers)

    @cached_property
    def indices(self) -> Mapping[str, tuple[int, ...]]:
        """Node indices by name: more than one where a name is used again, which MXNet permits."""
        found: dict[str, tuple[int, ...]] = {}
        for index, node in enumerate(self.nodes):
            found[node.name] = found.get(node.name, ()) + (index,)
        return found

    @cached_property
    def auxiliaries(self) -> tuple[int, ...]:
        """Those of ``arguments`` that an operator updates itself, such as running statistics."""
        states = {
            node.inputs[position].node
            for node in self.nodes
            for position in _auxiliary_positions(node)
            if position < len(node.inputs)
        }
        return tuple(index for index in self.arguments if index in states)


def _auxiliary_positions(node: SymbolNode) -> tuple[int, ...]:
    if not node.operator.startswith("_sg_"):
        return auxiliary_positions(node.operator)
    # An operator that a backend fused: its inputs are its subgraph's arguments, in order.
    positions = []
    for graph in node.subgraphs[:1]:
        states = set(graph.auxiliaries)
        positions += [position for position, argument in enumerate(graph.arguments) if argument in states]
    return tuple(positions)
