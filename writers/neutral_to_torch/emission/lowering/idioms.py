"""Operators that the source had to compose, as the one that torch has; and shapes taken from where they begin."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Callable, Mapping

from neutral.graph import Graph, Node, Operand, Value
from neutral.operators import catalogue
from neutral_to_torch.emission.expression.symbols import F, Symbol, either, nn
from neutral_to_torch.emission.lowering.lower import operands
from neutral_to_torch.emission.lowering.rules import NodeView, rule


@rule("silu", rank="same")
def silu(node: NodeView, x: Symbol) -> Symbol:
    return either(node.module(nn.SiLU())(x), F.silu(x))


@rule("hard_swish", rank="same")
def hard_swish(node: NodeView, x: Symbol) -> Symbol:
    return either(node.module(nn.Hardswish())(x), F.hardswish(x))


@rule("hard_sigmoid_of_sixths", rank="same")
def hard_sigmoid_of_sixths(node: NodeView, x: Symbol) -> Symbol:
    return either(node.module(nn.Hardsigmoid())(x), F.hardsigmoid(x))


class Idioms:
    """Rewrites a graph; what nothing uses any more stays, to be cut."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = {node.name: node for node in graph.nodes}
        self._graph = graph
        self._uses = Counter(value for node in graph.nodes for value in operands(node))
        self._uses.update(graph.outputs)

    def rewritten(self) -> Graph:
        """The graph with idioms as single nodes. They are in the place of their last operator."""
        nodes = tuple(self._rewrite(node) for node in self._graph.nodes)
        return Graph(self._graph.inputs, nodes, self._graph.outputs)

    def _rewrite(self, node: Node) -> Node:
        for kind, match in _IDIOMS.items():
            operand = match(node, self._nodes)
            if operand is not None:
                return Node(node.name, kind, (operand,), {})
        if is_nothing(node):
            return Node(node.name, "identity", node.inputs[:1], {})
        return self._with_early_shapes(node)

    def _with_early_shapes(self, node: Node) -> Node:
        """Replace operands of which only the shape matters by the earliest value of the same shape."""
        operator = catalogue.get(node.kind)
        if operator is None or operator.shape_operands is None:
            return node
        first = operator.shape_operands
        gives_dtype = operator.random or (first == 0 and operator.dtype_rule == "same")
        inputs = (*node.inputs[:first], *(self._origin(item, gives_dtype) for item in node.inputs[first:]))
        return node if inputs == node.inputs else replace(node, inputs=inputs)

    def _origin(self, operand: Operand, keep_dtype: bool) -> Operand:
        """Return the earliest value of the same shape whose successors are used for their shape alone.

        With ``keep_dtype`` it has the same dtype too.
        """
        while isinstance(operand, Value) and operand.output == 0 and operand.node in self._nodes:
            node = self._nodes[operand.node]
            source = _same_shape_operand(node, keep_dtype)
            if source is None or self._uses[operand] > 1:
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
    values = [item for item in node.inputs if isinstance(item, Value)]
    if operator.elementwise:
        return values[0] if len(values) == 1 else None
    return values[0] if operator.keeps_shape and values and values[0] == node.inputs[0] else None


def is_nothing(node: Node) -> bool:
    """Whether the node gives what it is given: x + 0, x * 1."""
    if len(node.inputs) != 2 or not isinstance(node.inputs[0], Value) or isinstance(node.inputs[1], (Value, bool)):
        return False
    return node.kind in _NEUTRAL and _NEUTRAL[node.kind] == node.inputs[1]


_NEUTRAL = {"add": 0, "subtract": 0, "multiply": 1, "divide": 1}

Nodes = Mapping[str, Node]


def _made_by(operand: Operand, kind: str, nodes: Nodes) -> Node | None:
    if isinstance(operand, Value) and operand.output == 0 and operand.node in nodes:
        node = nodes[operand.node]
        return node if node.kind == kind else None
    return None


def _hard_sigmoid(node: Node, nodes: Nodes) -> Operand:
    """x of clamp(x + 3, 0, 6) / 6."""
    if node.kind != "divide" or node.inputs[1] != 6:
        return None
    clamp = _made_by(node.inputs[0], "clamp", nodes)
    if clamp is None or (clamp.attributes["min"], clamp.attributes["max"]) != (0, 6):
        return None
    add = _made_by(clamp.inputs[0], "add", nodes)
    return add.inputs[0] if add is not None and add.inputs[1] == 3 and isinstance(add.inputs[0], Value) else None


def _gated(gate: Callable[[Node, Nodes], Operand]) -> Callable[[Node, Nodes], Operand]:
    """x of x * gate(x), either way round."""

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
    """x of x * 0.5 * (1 + erf(x / sqrt(2))), whatever the order of the factors."""
    if node.kind != "multiply":
        return None
    numbers, factors = _factors(Value(node.name), nodes)
    if len(factors) != 2 or abs(numbers - 0.5) > 1e-6:
        return None
    for x, other in (factors, factors[::-1]):
        add = _made_by(other, "add", nodes)
        erf = None if add is None or add.inputs[1] != 1 else _made_by(add.inputs[0], "erf", nodes)
        if erf is None:
            continue
        scale, inside = _factors(erf.inputs[0], nodes)
        if inside == [x] and abs(scale - 0.5**0.5) < 1e-6:
            return x
    return None


def _factors(operand: Operand, nodes: Nodes) -> tuple[float, list[Operand]]:
    """A product of literal numbers, and the values that it multiplies."""
    numbers = 1.0
    factors: list[Operand] = []
    stack = [operand]
    while stack:
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
    return numbers, factors


def _sigmoid(node: Node, nodes: Nodes) -> Operand:
    return node.inputs[0] if node.kind == "sigmoid" else None


_IDIOMS: Mapping[str, Callable[[Node, Nodes], Operand]] = {
    "hard_swish": _gated(_hard_sigmoid),
    "silu": _gated(_sigmoid),
    "hard_sigmoid_of_sixths": _hard_sigmoid,
    "gelu": _gelu,
}
