"""Shapes of the initial states that recurrent layers demand of a graph's inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping

from neutral.graph import Graph, Input, Node, Value
from neutral.operators.recurrent import GATES


def with_state_shapes(graph: Graph, samples: int | None = None) -> Graph:
    """Return a graph whose inputs without a shape have that of the initial state that they are, if they are one.

    Args:
        graph: The graph.
        samples: The number of samples; None leaves it free.

    Returns:
        The graph with these shapes.

    Example:
        >>> attributes = {"hidden_size": 8, "num_layers": 1, "bidirectional": False}
        >>> nodes = (
        ...     Node("state", "unsqueeze", (Value("h"),), {"axis": 0}),
        ...     Node("y", "gru", (Value("x"), Value("state")), attributes),
        ... )
        >>> with_state_shapes(Graph((Input("x"), Input("h")), nodes, (Value("y"),))).inputs[1].shape
        (None, 8)
    """
    demanded: dict[Value, tuple[int | None, ...]] = {}
    for node in reversed(graph.nodes):
        operand = node.inputs[0] if node.inputs else None
        wanted = demanded.get(Value(node.name))
        if node.kind == "unsqueeze" and wanted and isinstance(operand, Value):
            axis = node.attributes["axis"] % len(wanted)
            demanded[operand] = (*wanted[:axis], *wanted[axis + 1 :])
        demanded.update(_states(node, samples))
    return replace(graph, inputs=tuple(_with_shape(item, demanded) for item in graph.inputs))


def _with_shape(item: Input, demanded: Mapping[Value, tuple[int | None, ...]]) -> Input:
    return item if item.shape is not None else replace(item, shape=demanded.get(Value(item.name)))


def _states(node: Node, samples: int | None) -> dict[Value, tuple[int | None, ...]]:
    """Return the shapes of the initial states of a recurrent layer or cell."""
    kind = node.kind.partition("_")[0]
    if kind not in GATES:
        return {}
    size, is_cell = node.attributes["hidden_size"], node.kind.endswith("_cell")
    count = 1 if is_cell else node.attributes["num_layers"] * (1 + node.attributes["bidirectional"])
    sizes = [node.attributes.get("projection_size") or size, *([size] if kind == "lstm" else [])]
    states = zip(node.inputs[1:], sizes)
    return {
        state: (samples, extent) if is_cell else (count, samples, extent)
        for state, extent in states
        if isinstance(state, Value)
    }
