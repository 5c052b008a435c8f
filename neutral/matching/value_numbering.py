"""Number the values of two dataflow graphs so that equal values have equal numbers (global value numbering)."""

from __future__ import annotations

from typing import Hashable

from neutral.graph import Node, Value
from neutral.matching.dataflow import DataflowGraph, Port, Vertex
from neutral.matching.equivalence import Alignment
from neutral.operators import Operator, catalogue


class ValueNumbering:
    """Value numbers of a stored graph (side 0) and a module's graph (side 1).

    An operator of equal operands gives the same number on both sides. Outputs of layers and inputs have numbers of
    their own until :meth:`unify` makes one of two.

    Attributes:
        graphs: Both graphs.
        alignments: The correspondence of the axes, by number, of values that both sides have.
        ports: For each side a port of each number.

    Args:
        graphs: The stored graph and the module's.

    Example:
        >>> from neutral.graph import Graph, Input
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> nodes = (Node("y", "relu", (Value("x"),), {}),)
        >>> graph = build_dataflow(Network({}, {}), Graph((Input("x"),), nodes, (Value("y"),)))
        >>> numbering = ValueNumbering((graph, graph))
        >>> numbering.number(0, (1, 0)) == numbering.number(1, (1, 0))
        False
        >>> numbering = ValueNumbering((graph, graph))
        >>> numbering.unify((0, 0), (0, 0), Alignment())
        >>> numbering.number(0, (1, 0)) == numbering.number(1, (1, 0))
        True
    """

    def __init__(self, graphs: tuple[DataflowGraph, DataflowGraph]) -> None:
        self.graphs = graphs
        self.alignments: dict[int, Alignment] = {}
        self.ports: tuple[dict[int, Port], dict[int, Port]] = ({}, {})
        self._numbers: dict[Hashable, int] = {}
        self._known: tuple[dict[Port, int], dict[Port, int]] = ({}, {})
        self._flattened: dict[Hashable, tuple[Hashable, tuple[Hashable, ...]]] = {}
        """Kind and operands of each associative expression, nested uses of the same kind taken apart."""

    def unify(self, stored: Port, module: Port, alignment: Alignment) -> None:
        """Give the same new number to a value of each side.

        Args:
            stored: The port (vertex, output) of the value in the stored graph.
            module: Its port in the module's graph.
            alignment: The correspondence of their axes.
        """
        number = self._number_of(("shared", len(self._numbers)))
        self.alignments[number] = alignment
        if stored in self._known[0] and self._known[0][stored] in self._flattened:
            self._flattened[number] = self._flattened[self._known[0][stored]]
        for side, port in enumerate((stored, module)):
            self._known[side][port] = number
            self.ports[side][number] = port

    def alignment(self, number: int) -> Alignment:
        """Return the alignment of a number; that of equal axes where none is known.

        Args:
            number: A number of :meth:`number`.

        Returns:
            The alignment given to :meth:`unify`, if it was.
        """
        return self.alignments.get(number, Alignment())

    def number(self, side: int, port: Port) -> int:
        """Return the number of a value, after numbering the values that it depends on.

        Args:
            side: 0 for the stored graph, 1 for the module's.
            port: The vertex and its output.

        Returns:
            The number, equal for values that are known to be equal.
        """
        known, graph = self._known[side], self.graphs[side]
        pending = [port]
        while pending:
            top = pending[-1]
            vertex = graph.vertices[top[0]]
            is_source = vertex.group is not None or vertex.node.kind == "input"
            missing = [] if is_source or top in known else [item for item in vertex.operands if item not in known]
            pending += missing
            if missing:
                continue
            pending.pop()
            if top in known:
                continue
            if is_identity(vertex.node) and vertex.operands and not is_source:
                known[top] = known[vertex.operands[0]]
                continue
            known[top] = self._number_of(("own", side, top) if is_source else self._expression(side, top, vertex))
            self.ports[side].setdefault(known[top], top)
            if vertex.operands and not is_source and known[vertex.operands[0]] in self.alignments:
                self.alignments.setdefault(known[top], self.alignments[known[vertex.operands[0]]])
        return known[port]

    def _number_of(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _expression(self, side: int, port: Port, vertex: Vertex) -> Hashable:
        """Return a key that is equal for equal expressions."""
        node, known = vertex.node, self._known[side]
        operator = _comparable_operator(node)
        if operator is None:
            return ("own", side, port)
        ports = iter(vertex.operands)
        operands: list[Hashable] = [
            known[next(ports)] if isinstance(item, Value) else ("number", float(item))
            for item in node.inputs
            if item is not None
        ]
        head = (node.kind, tuple(sorted((name, repr(value)) for name, value in node.attributes.items())))
        if operator.associative:
            operands = [part for item in operands for part in self._flatten(item, head)]
        if operator.commutative:
            operands.sort(key=repr)
        expression = (*head, tuple(operands), port[1])
        if operator.associative:
            self._flattened[self._number_of(expression)] = (head, tuple(operands))
        return expression

    def _flatten(self, operand: Hashable, head: Hashable) -> tuple[Hashable, ...]:
        """Return the operands of an operand that the same associative operator makes, else the operand."""
        inner_head, parts = self._flattened.get(operand, (None, ()))
        return parts if inner_head == head else (operand,)


def is_identity(node: Node) -> bool:
    """Return whether the node's output is its first operand outside of training.

    Args:
        node: The node; an unknown kind is not an identity.

    Returns:
        True for dropout and the like, and for an associative operator, such as ``concat``, of one operand.

    Example:
        >>> is_identity(Node("y", "dropout", (Value("x"),), {})), is_identity(Node("y", "relu", (Value("x"),), {}))
        (True, False)
    """
    operator = catalogue.get(node.kind)
    if operator is None:
        return False
    joins_one = operator.associative and operator.inputs[0].startswith("*") and len(node.inputs) == 1
    return operator.inference_identity or joins_one


def _comparable_operator(node: Node) -> Operator | None:
    """Return the catalogue's entry where equal attributes and operands mean equal results, else None.

    A network that was traced in a framework may have nodes of a kind without all of its attributes.
    """
    operator = catalogue.get(node.kind)
    if operator is None or node.kind == "opaque" or operator.random or operator.has_weights:
        return None
    if any(attribute.type == "graph" for attribute in operator.attributes):
        return None
    return operator if next(operator.problems(node.attributes), None) is None else None
