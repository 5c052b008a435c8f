"""The graph of a symbol: nodes in MXNet's execution order, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Mapping, Sequence

from mxnet_to_neutral.symbol.inputs import auxiliary_positions

VARIABLE = "null"
"""The operator that MXNet writes for a variable."""


@dataclass(frozen=True)
class Entry:
    """The source of an edge: output number ``output`` of the node at index ``node``.

    Args:
        node: The index of the node in :attr:`Symbol.nodes`.
        output: The number of its output, from 0.

    Example:
        >>> Entry(node=3, output=1)
        Entry(node=3, output=1)
    """

    node: int
    output: int


@dataclass(frozen=True)
class SymbolNode:
    """A variable, or an operator applied to ``inputs``.

    Args:
        name: The node's name; need not be unique.
        operator: The operator's canonical name, or ``null`` for a variable.
        attributes: The attributes that the operator reads, as strings; defaults are usually absent. A variable has
            none.
        hidden: The attributes that no operator reads: ``__shape__``, ``__dtype__``, ``__lr_mult__`` and any other
            ``__x__``; all attributes of a variable.
        inputs: The sources of the inputs, in order.
        subgraphs: The graphs of a control flow operator or of a fused one.

    Example:
        >>> node = SymbolNode("fc", "FullyConnected", {"num_hidden": "10"}, {}, (Entry(0, 0), Entry(1, 0)), ())
        >>> node.is_variable
        False
    """

    name: str
    operator: str
    attributes: Mapping[str, str]
    hidden: Mapping[str, str]
    inputs: tuple[Entry, ...]
    subgraphs: tuple[Symbol, ...]

    @property
    def is_variable(self) -> bool:
        """True for an input of the graph, a parameter or an auxiliary state."""
        return self.operator == VARIABLE


@dataclass(frozen=True)
class Symbol:
    """A graph, or a subgraph of a node.

    Args:
        nodes: The nodes in depth-first order from the heads: every input comes before its consumer.
        arguments: The indices of all variables in this order, auxiliary states included. The inputs of a control flow
            operator bind to the arguments of its subgraph by position.
        heads: The outputs of the graph.
        version: The version of MXNet that wrote the file, such as ``(1, 9, 1)``; None if the file states none (0.8
            and earlier).
        numpy_shape: True if an unknown dimension is -1 and 0 is a length; otherwise 0 is an unknown dimension.
        notes: Changes made by the upgrade and irregularities, a sentence each.

    Example:
        >>> data = SymbolNode("data", "null", {}, {}, (), ())
        >>> relu = SymbolNode("act", "Activation", {"act_type": "relu"}, {}, (Entry(0, 0),), ())
        >>> symbol = Symbol((data, relu), (0,), (Entry(1, 0),), (1, 9, 1), False, ())
        >>> symbol.consumers, symbol.index_of(relu), symbol.indices["data"]
        ((((1, 0),), ()), 1, (0,))
    """

    nodes: tuple[SymbolNode, ...]
    arguments: tuple[int, ...]
    heads: tuple[Entry, ...]
    version: tuple[int, int, int] | None
    numpy_shape: bool
    notes: tuple[str, ...]

    @cached_property
    def consumers(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each node, the uses of its outputs as pairs (index of the consumer, position of its input)."""
        readers: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for position, entry in enumerate(node.inputs):
                readers[entry.node].append((index, position))
        return tuple(tuple(pairs) for pairs in readers)

    @cached_property
    def head_nodes(self) -> frozenset[int]:
        """The indices of the nodes of which an output is an output of the graph."""
        return frozenset(head.node for head in self.heads)

    @cached_property
    def output_counts(self) -> Sequence[int]:
        """For each node how many outputs its uses imply: one more than the highest number, and at least one."""
        counts = [1] * len(self.nodes)
        for entry in (*(entry for node in self.nodes for entry in node.inputs), *self.heads):
            counts[entry.node] = max(counts[entry.node], entry.output + 1)
        return counts

    def index_of(self, node: SymbolNode) -> int:
        """Return the index of one of the graph's nodes.

        Args:
            node: The node itself; an equal one is not found.

        Returns:
            Its position in :attr:`nodes`.
        """
        return self._indices_by_identity[id(node)]

    @cached_property
    def _indices_by_identity(self) -> Mapping[int, int]:
        return {id(node): index for index, node in enumerate(self.nodes)}

    @cached_property
    def indices(self) -> Mapping[str, tuple[int, ...]]:
        """The indices of the nodes by name; MXNet permits several nodes of one name."""
        indices: dict[str, tuple[int, ...]] = {}
        for index, node in enumerate(self.nodes):
            indices[node.name] = indices.get(node.name, ()) + (index,)
        return indices

    @cached_property
    def auxiliaries(self) -> tuple[int, ...]:
        """The arguments that an operator updates itself, such as running statistics."""
        states = {
            node.inputs[position].node
            for node in self.nodes
            for position in _auxiliary_positions(node)
            if position < len(node.inputs)
        }
        return tuple(index for index in self.arguments if index in states)


def join_variables(symbol: Symbol) -> Symbol:
    """Return a symbol in which variables of one name are one, as MXNet binds them by name; the others have no use.

    Args:
        symbol: The outermost graph: variables of subgraphs are bound by position.

    Returns:
        The symbol, with edges from the first variable of each name, which has the declarations of all of them;
        auxiliary states and arguments stay apart.

    Example:
        >>> x, y = (SymbolNode("x", "null", {}, {}, (), ()) for _ in range(2))
        >>> total = SymbolNode("sum", "elemwise_add", {}, {}, (Entry(0, 0), Entry(1, 0)), ())
        >>> join_variables(Symbol((x, y, total), (0, 1), (Entry(2, 0),), None, False, ())).nodes[2].inputs
        (Entry(node=0, output=0), Entry(node=0, output=0))
    """
    states = set(symbol.auxiliaries)
    first: dict[tuple[str, bool], int] = {}
    source = {index: first.setdefault((symbol.nodes[index].name, index in states), index) for index in symbol.arguments}
    if all(index == place for index, place in source.items()):
        return symbol

    def joined(entries: Sequence[Entry]) -> tuple[Entry, ...]:
        return tuple(replace(entry, node=source.get(entry.node, entry.node)) for entry in entries)

    declarations: dict[int, dict[str, str]] = {}
    for index, place in source.items():
        declarations[place] = {**symbol.nodes[index].hidden, **declarations.get(place, {})}
    nodes = tuple(
        replace(node, inputs=joined(node.inputs), hidden=declarations.get(index, node.hidden))
        for index, node in enumerate(symbol.nodes)
    )
    return replace(symbol, nodes=nodes, heads=joined(symbol.heads))


def _auxiliary_positions(node: SymbolNode) -> tuple[int, ...]:
    if not node.operator.startswith("_sg_"):
        return auxiliary_positions(node.operator)
    # The inputs of an operator that a backend fused are the arguments of its subgraph, in order.
    positions = []
    for graph in node.subgraphs[:1]:
        states = set(graph.auxiliaries)
        positions += [position for position, argument in enumerate(graph.arguments) if argument in states]
    return tuple(positions)
