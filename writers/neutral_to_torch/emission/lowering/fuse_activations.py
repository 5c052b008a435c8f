"""Fuse activations that the source composed of several operators into the one that torch has."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Mapping

from neutral.graph import Graph, Node, Operand, Value

Nodes = Mapping[str, Node]

MOST_FACTORS = 8
"""Values of a product that are looked at; the pattern of GELU has two."""


def fuse_activations(graph: Graph) -> Graph:
    """Write composed activations as single nodes, in the place of their last operator.

    The other operators stay; :func:`eliminate_dead_code` drops those that nothing uses any more.

    Args:
        graph: The graph; it is not changed.

    Returns:
        A graph that computes the same outputs.
    """
    nodes = {node.name: node for node in graph.nodes}
    return replace(graph, nodes=tuple(_fused(node, nodes) for node in graph.nodes))


def _fused(node: Node, nodes: Nodes) -> Node:
    for kind, match in _PATTERNS.items():
        operand = match(node, nodes)
        if operand is not None:
            return Node(node.name, kind, (operand,), {})
    return node


def _made_by(operand: Operand, kind: str, nodes: Nodes) -> Node | None:
    if isinstance(operand, Value) and operand.output == 0 and operand.node in nodes:
        node = nodes[operand.node]
        return node if node.kind == kind else None
    return None


def _hard_sigmoid(node: Node, nodes: Nodes) -> Operand:
    """Return x where the node computes clamp(x + 3, 0, 6) / 6."""
    if node.kind != "divide" or node.inputs[1] != 6:
        return None
    clamp = _made_by(node.inputs[0], "clamp", nodes)
    if clamp is None or (clamp.attributes["min"], clamp.attributes["max"]) != (0, 6):
        return None
    add = _made_by(clamp.inputs[0], "add", nodes)
    return add.inputs[0] if add is not None and add.inputs[1] == 3 and isinstance(add.inputs[0], Value) else None


def _gated(gate: Callable[[Node, Nodes], Operand]) -> Callable[[Node, Nodes], Operand]:
    """Return a pattern for x * gate(x), in either order, which returns x."""

    def match(node: Node, nodes: Nodes) -> Operand:
        if node.kind != "multiply" or not all(isinstance(item, Value) for item in node.inputs):
            return None
        for x, gated in (node.inputs, node.inputs[::-1]):
            if isinstance(gated, Value) and gated.output == 0 and gated.node in nodes:
                operand = gate(nodes[gated.node], nodes)
                if operand is not None and operand == x:
                    return x
        return None

    return match


def _gelu(node: Node, nodes: Nodes) -> Operand:
    """Return x where the node computes x * 0.5 * (1 + erf(x / sqrt(2))), in any order of the factors."""
    if node.kind != "multiply":
        return None
    numbers, factors = _factors(Value(node.name), nodes)
    if len(factors) != 2 or abs(numbers - 0.5) > 1e-6:
        return None
    for x, gate in (factors, factors[::-1]):
        add = _made_by(gate, "add", nodes)
        erf = None if add is None or add.inputs[1] != 1 else _made_by(add.inputs[0], "erf", nodes)
        if erf is None:
            continue
        scale, inside = _factors(erf.inputs[0], nodes)
        if inside == [x] and abs(scale - 0.5**0.5) < 1e-6:
            return x
    return None


def _factors(operand: Operand, nodes: Nodes) -> tuple[float, list[Operand]]:
    """Return the product of the literal numbers in a product, and the values that it multiplies.

    The search ends after a few factors: products of shared products have exponentially many.
    """
    numbers = 1.0
    factors: list[Operand] = []
    stack = [operand]
    while stack and len(factors) <= MOST_FACTORS and len(stack) <= MOST_FACTORS:
        item = stack.pop()
        node = _made_by(item, "multiply", nodes) or _made_by(item, "divide", nodes)
        if isinstance(item, (int, float)):
            numbers *= item
        elif node is None:
            factors.append(item)
        elif node.kind == "multiply":
            stack += node.inputs
        elif isinstance(node.inputs[1], (int, float)) and node.inputs[1]:
            numbers /= node.inputs[1]
            stack.append(node.inputs[0])
        else:
            factors.append(item)
    return numbers, factors + stack


def _sigmoid(node: Node, nodes: Nodes) -> Operand:
    return node.inputs[0] if node.kind == "sigmoid" else None


_PATTERNS: Mapping[str, Callable[[Node, Nodes], Operand]] = {
    "hard_swish": _gated(_hard_sigmoid),
    "silu": _gated(_sigmoid),
    "hard_sigmoid_of_sixths": _hard_sigmoid,
    "gelu": _gelu,
}
