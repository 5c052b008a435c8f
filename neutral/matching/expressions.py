"""Write expressions of a dataflow graph for messages."""

from __future__ import annotations

from neutral.graph import Value
from neutral.matching.dataflow import DataflowGraph, Port
from neutral.matching.heuristics import HEURISTICS

_SHOWN = ("kernel_size", "stride", "padding", "min", "max", "axis", "negative_slope", "rounding", "output_size")
"""Attributes that tell operators of one kind apart."""


def format_expression(graph: DataflowGraph, port: Port, depth: int = HEURISTICS.expression_depth) -> str:
    """Write the expression at a port in terms of layers and inputs.

    Args:
        graph: The graph.
        port: The port.
        depth: The number of nested operators to write; deeper ones become ``...``.

    Returns:
        A text such as ``add(conv1, relu(bn2))``.

    Example:
        >>> from neutral.graph import Graph, Input, Node
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> nodes = (Node("a", "relu", (Value("x"),), {}), Node("y", "add", (Value("a"), Value("x")), {}))
        >>> graph = build_dataflow(Network({}, {}), Graph((Input("x"),), nodes, (Value("y"),)))
        >>> format_expression(graph, graph.outputs[0])
        'add(relu(the input x), the input x)'
    """
    vertex = graph.vertices[port[0]]
    node = vertex.node
    if vertex.group is not None:
        return graph.groups[vertex.group].name
    if node.kind == "input":
        return f"the input {node.name}"
    if node.kind in ("identity", "dropout", "cast") and vertex.operands:
        return format_expression(graph, vertex.operands[0], depth)
    if depth == 0:
        return "..."
    name = str(node.attributes.get("operator", node.kind)) if node.kind == "opaque" else node.kind
    ports = iter(vertex.operands)
    parts = []
    for operand in node.inputs:
        if isinstance(operand, Value):
            parts.append(format_expression(graph, next(ports), depth - 1))
        elif operand is not None:
            parts.append(f"{operand:g}")
    parts += [f"{key}={value}" for key, value in node.attributes.items() if key in _SHOWN and value is not None]
    return f"{name}({', '.join(parts)})"
