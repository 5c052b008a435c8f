"""Fold tensors of one value that a selection takes into the number."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Graph, Node, Operand
from neutral.rewriting import UseDef


def fold_fills(graph: Graph) -> Graph:
    """Replace the last operand of ``where`` by a number where it is filled with it and has the shape of the other.

    ``where(mask, scores, full_like(scores, 1) * -1e18)`` becomes ``where(mask, scores, -1e18)``.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    chains = UseDef(graph.nodes, graph.outputs)
    return replace(graph, nodes=tuple(_folded(node, chains) for node in graph.nodes))


def _folded(node: Node, chains: UseDef[Node]) -> Node:
    if node.kind != "where" or node.computed or len(node.inputs) != 3:
        return node
    condition, chosen, other = node.inputs
    number = _number(other, chosen, chains)
    return node if number is None else replace(node, inputs=(condition, chosen, number))


def _number(operand: Operand, like: Operand, chains: UseDef[Node]) -> float | None:
    """Return the value of every element of an operand with the shape and dtype of ``like``, or None."""
    node = chains.definition(operand)
    if node is None or node.computed:
        return None
    if node.kind == "full_like":
        value: float = node.attributes["value"]
        return value if node.inputs[0] == like else None
    if node.kind == "multiply" and isinstance(node.inputs[1], (int, float)):
        value_of_fill = _number(node.inputs[0], like, chains)
        return node.inputs[1] if value_of_fill == 1 else None
    return None
