"""Take shapes from the earliest value that has them, so that nodes computed only for their shape become dead."""

from __future__ import annotations

from dataclasses import replace

from neutral.graph import Graph, Node, Operand, Value
from neutral.operators import catalogue
from neutral.rewriting import UseDef


def hoist_like_operands(graph: Graph) -> Graph:
    """Replace each operand of which only the shape matters by the earliest value of the same shape.

    ``full_like(relu(x) * 0, 1)`` becomes ``full_like(x, 1)``. Values that other nodes use too are left in place.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    chains = UseDef(graph.nodes, graph.outputs)
    return replace(graph, nodes=tuple(_with_early_shapes(node, chains) for node in graph.nodes))


def _with_early_shapes(node: Node, chains: UseDef[Node]) -> Node:
    operator = catalogue.get(node.kind)
    if operator is None or operator.shape_operands is None:
        return node
    first = operator.shape_operands
    same_dtype = operator.random or (first == 0 and operator.dtype_rule == "same")
    inputs = (*node.inputs[:first], *(_earliest(item, same_dtype, chains) for item in node.inputs[first:]))
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def _earliest(operand: Operand, same_dtype: bool, chains: UseDef[Node]) -> Operand:
    """Return the earliest value of the same shape (and dtype) whose successors are used for their shape alone."""
    while isinstance(operand, Value) and operand.output == 0:
        node = chains.definition(operand)
        source = None if node is None else _same_shape_operand(node, same_dtype)
        if source is None or chains.count(operand) > 1:
            break
        operand = source
    return operand


def _same_shape_operand(node: Node, same_dtype: bool) -> Value | None:
    """Return the operand that has the shape (and dtype) of the node's output, or None where none is known to."""
    operator = catalogue.get(node.kind)
    if operator is None or node.layer is not None or node.computed:
        return None
    if same_dtype and operator.dtype_rule not in ("same", "promote"):
        return None
    values = node.operands
    if operator.elementwise:
        return values[0] if len(values) == 1 else None
    return values[0] if operator.keeps_shape and values and values[0] == node.inputs[0] else None
