"""Drop the initial states of recurrent layers that are inputs of a graph: absent states are zeros."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Graph, Node, Value
from neutral.rewriting.cut import eliminate_dead_code
from neutral.rewriting.operation import reachable

_STATES = {"lstm": 2, "gru": 1, "rnn": 1}
"""The number of states of each kind; they follow the sequence."""

_ZERO_FROM_ZERO = frozenset(
    ("concatenate", "identity", "reshape", "slice", "squeeze", "stack", "swap_axes", "transpose", "unsqueeze")
)
"""Kinds that only arrange their operands."""


def drop_initial_states(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """Return a graph whose recurrent layers begin with zeros, and the names of the inputs that held their states.

    Args:
        graph: The graph; it is not changed.

    Returns:
        The graph without the inputs that are nothing but initial states; the given graph where there are none.

    Example:
        >>> from neutral.graph import Input
        >>> node = Node("y", "lstm", (Value("x"), Value("h"), Value("c")), {}, "y")
        >>> graph = Graph((Input("x"), Input("h"), Input("c")), (node,), (Value("y"),))
        >>> shorter, names = drop_initial_states(graph)
        >>> shorter.nodes[0].inputs, names
        ((Value(node='x', output=0),), ('h', 'c'))
    """
    nodes = tuple(_without_states(node, graph) for node in graph.nodes)
    shorter = eliminate_dead_code(replace(graph, nodes=nodes))
    kept = {item.name for item in shorter.inputs}
    dropped = tuple(item.name for item in eliminate_dead_code(graph).inputs if item.name not in kept)
    return (shorter, dropped) if dropped else (graph, ())


def _without_states(node: Node, graph: Graph) -> Node:
    """Return a recurrent layer without its states if these are inputs that are at most arranged; else the node."""
    states = [value for value in node.inputs[1:] if isinstance(value, Value)]
    if node.kind not in _STATES or not states or len(node.inputs) != 1 + _STATES[node.kind]:
        return node
    arranging, _ = reachable(graph.nodes, states)
    is_arranged = all(item.kind in _ZERO_FROM_ZERO and item.layer is None for item in arranging)
    return replace(node, inputs=node.inputs[:1]) if is_arranged else node
