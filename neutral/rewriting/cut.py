"""Cut a graph to the outputs that are asked for, and remove nodes that compute nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Mapping, Sequence

from neutral.errors import UsageError
from neutral.graph import Graph, Node, Operand, Value
from neutral.rewriting import reachable, resolve, resolve_all
from neutral.text import suggestion

_UNITS = {"add": 0, "subtract": 0, "multiply": 1, "divide": 1}
"""For each kind the second operand that leaves the first as it is."""


def cut(graph: Graph, outputs: Sequence[str | Value] | None = None, until: str | Value | None = None) -> Graph:
    """Return the graph with other outputs; nodes and inputs stay.

    Args:
        graph: The graph to cut.
        outputs: The new outputs: names of nodes or inputs, ``name:output``, or values. None keeps the graph's.
        until: A single output instead.

    Returns:
        A new graph; the given one is not changed.

    Raises:
        UsageError: Both are given, no output is left, or a name is unknown.
    """
    if until is not None and outputs is not None:
        raise UsageError("outputs and until both say where to cut: give one.")
    chosen = [until] if until is not None else outputs
    wanted = graph.outputs if chosen is None else tuple(_find(graph, item) for item in chosen)
    if not wanted:
        raise UsageError("the graph is cut to no output at all.")
    return replace(graph, outputs=wanted)


def _find(graph: Graph, item: str | Value) -> Value:
    if isinstance(item, Value):
        return item
    names = {node.name for node in graph.nodes} | {i.name for i in graph.inputs}
    if item in names:
        return Value(item)
    name, _, output = item.rpartition(":")
    if name in names and re.fullmatch("[0-9]{1,9}", output):
        return Value(name, int(output))
    containing = [known for known in sorted(names) if item.lower() in known.lower()][:5]
    hint = f" Did you mean one of {', '.join(containing)}?" if containing else suggestion(item, names)
    raise UsageError(f"the graph has no node {item!r}.{hint}")


def remove_identities(graph: Graph) -> Graph:
    """Replace the outputs of identities, x + 0, x - 0, x * 1 and x / 1 by their operands.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.

    Example:
        >>> from neutral.graph import Input
        >>> nodes = (Node("a", "identity", (Value("x"),), {}), Node("b", "relu", (Value("a"),), {}))
        >>> remove_identities(Graph((Input("x"),), nodes, (Value("b"),))).nodes[1].inputs
        (Value(node='x', output=0),)
    """
    aliases: dict[Value, Value] = {}
    for node in graph.nodes:
        if node.inputs and isinstance(node.inputs[0], Value) and _is_identity(node):
            aliases[Value(node.name)] = resolve(node.inputs[0], aliases)
    nodes = tuple(replace_operands(node, aliases) for node in graph.nodes)
    return Graph(graph.inputs, nodes, resolve_all(graph.outputs, aliases))


def _is_identity(node: Node) -> bool:
    if node.kind == "identity":
        return True
    if node.kind not in _UNITS or len(node.inputs) != 2 or isinstance(node.inputs[1], (Value, bool)):
        return False
    return node.inputs[1] == _UNITS[node.kind]


def replace_operands(node: Node, aliases: Mapping[Value, Value]) -> Node:
    """Return the node with its inputs and computed roles resolved; the node itself where nothing changes.

    Args:
        node: The node; it is not changed.
        aliases: The value that takes the place of another, chains included.

    Returns:
        A node of the same name and kind.
    """
    if not any(value in aliases for value in node.operands):
        return node

    def resolved(operand: Operand) -> Operand:
        return resolve(operand, aliases) if isinstance(operand, Value) else operand

    computed = {role: resolve(value, aliases) for role, value in node.computed.items()}
    return replace(node, inputs=tuple(map(resolved, node.inputs)), computed=computed)


def eliminate_dead_code(graph: Graph) -> Graph:
    """Drop the nodes and inputs that no output depends on.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    nodes, names = reachable(graph.nodes, graph.outputs)
    return Graph(tuple(item for item in graph.inputs if item.name in names), tuple(nodes), graph.outputs)
