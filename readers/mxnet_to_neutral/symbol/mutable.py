"""Nodes of a symbol that is being read and upgraded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Iterator

from mxnet_to_neutral.symbol.model import VARIABLE, Symbol
from neutral.text import listed


@dataclass(eq=False)
class MutableNode:
    """A variable or an operator. Inputs refer to nodes, not indices: nodes can be added without renumbering.

    Args:
        name: The node's name; need not be unique.
        operator: The operator's canonical name, or ``null`` for a variable.
        attributes: The attributes that the operator reads.
        hidden: The attributes that no operator reads; all attributes of a variable.
        inputs: The source of each input: a node and the number of its output.
        dependencies: Nodes that have to run before this one.
        subgraphs: The graphs of a control flow operator or of a fused one.
    """

    name: str
    operator: str
    attributes: dict[str, str]
    hidden: dict[str, str]
    inputs: list[tuple[MutableNode, int]] = field(default_factory=list)
    dependencies: list[MutableNode] = field(default_factory=list)
    subgraphs: tuple[Symbol, ...] = ()

    @property
    def is_variable(self) -> bool:
        """True for an input of the graph, a parameter or an auxiliary state."""
        return self.operator == VARIABLE


def execution_order(heads: Iterable[MutableNode]) -> list[MutableNode]:
    """Sort the nodes that the heads need, depth first and each input before its consumer: MXNet's order of nodes.

    Args:
        heads: The nodes whose outputs are the outputs of the graph.

    Returns:
        Each needed node once.
    """
    order: list[MutableNode] = []
    seen: set[MutableNode] = set()
    stack: list[tuple[MutableNode, Iterator[MutableNode]]] = []

    def enter(node: MutableNode) -> None:
        seen.add(node)
        stack.append((node, iter([source for source, _ in node.inputs] + node.dependencies)))

    for head in heads:
        if head not in seen:
            enter(head)
        while stack:
            node, sources = stack[-1]
            source = next((source for source in sources if source not in seen), None)
            if source is None:
                order.append(node)
                stack.pop()
            else:
                enter(source)
    return order


def list_names(names: Iterable[str], shown: int = 5) -> str:
    """Return the names in quotes, each cut at 80 characters; after ``shown`` of them only a count.

    Args:
        names: The names, in the order in which they are listed.
        shown: The number of names before the count.

    Returns:
        The text for a message.

    Example:
        >>> list_names(["a", "b", "c"], shown=2)
        "'a', 'b' and 1 more"
    """
    return listed([repr(name)[:80] for name in names], shown)
