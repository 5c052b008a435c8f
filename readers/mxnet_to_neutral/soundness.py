"""Find the nodes of a symbol that a store cannot express, by the checks that every store has to pass."""

from __future__ import annotations

import re
from typing import Iterator

from neutral.errors import UnsupportedError
from neutral.graph import Graph, Node
from neutral.store.store import Store
from neutral.store.structure import structure_problems

_NODE = r"graph, node ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_LAYER = r"layer ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"): "

MAX_SHOWN = 10
"""Problems that an error lists."""


def unsound_nodes(store: Store) -> dict[str, str]:
    """Return the nodes of a store's graph that contradict the catalogue of operators, with the first reason of each.

    Args:
        store: The store of a symbol.

    Returns:
        The reasons by the names of nodes, which are those of the symbol but where a pass has fused some.

    Raises:
        UnsupportedError: A problem is that of no node.
    """
    problems = list(structure_problems(store))
    if not problems:
        return {}
    nodes = {} if store.graph is None else {repr(node.name): node for node in store.graph.nodes}
    users = {} if store.graph is None else _users(store.graph)
    reasons: dict[str, str] = {}
    for problem in problems:
        reason = problem.rpartition("': ")[2] or problem
        at_node, at_layer = re.match(_NODE, problem), re.match(_LAYER, problem)
        names = [nodes[at_node.group(1)].name] if at_node and at_node.group(1) in nodes else []
        names += users.get(at_layer.group(1), []) if at_layer else []
        if not names:
            raise unsound_error(problems)
        for name in names:
            reasons.setdefault(name, f"a store cannot express it: {reason}")
    return reasons


def unsound_error(problems: list[str]) -> UnsupportedError:
    """Return the error for problems that are those of no node.

    Args:
        problems: A sentence each; the first of them are listed, all are counted.

    Returns:
        The error, which the caller raises.
    """
    lines = "".join(f"\n  - {problem}" for problem in problems[:MAX_SHOWN])
    return UnsupportedError(
        f"the checkpoint cannot be expressed as a store ({len(problems)} problems). Check that the symbol was not "
        f"edited or damaged:{lines}"
    )


def _users(graph: Graph) -> dict[str, list[str]]:
    """Return the names of the outermost nodes that use a layer, by the layer's name as problems quote it."""
    users: dict[str, list[str]] = {}
    for node in graph.nodes:
        for inner in _all_nodes(node):
            if inner.layer is not None:
                users.setdefault(repr(inner.layer), []).append(node.name)
    return users


def _all_nodes(node: Node) -> Iterator[Node]:
    yield node
    for subgraph in node.subgraphs:
        for inner in subgraph.nodes:
            yield from _all_nodes(inner)
