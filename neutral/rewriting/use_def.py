"""Use-def chains of a dataflow graph."""

from __future__ import annotations

from typing import Collection, Generic, Iterable

from neutral.graph import Operand, Value
from neutral.rewriting.operation import O


class UseDef(Generic[O]):
    """Definitions and uses of every value of a graph.

    Args:
        operations: The graph's operations, in execution order.
        outputs: The graph's outputs.

    Attributes:
        definitions: The operation of each name.
        users: For each value the operations that use it, in execution order, each once.
        outputs: The values that are outputs of the graph.

    Example:
        >>> from neutral.graph import Node, Value
        >>> nodes = [Node("a", "relu", (Value("x"),), {}), Node("b", "exp", (Value("a"),), {})]
        >>> chains = UseDef(nodes, [Value("b")])
        >>> chains.definition(Value("a")).kind, [user.name for user in chains.users[Value("a")]]
        ('relu', ['b'])
        >>> chains.is_private(Value("a"), nodes[1:]), chains.is_private(Value("b"), ())
        (True, False)
    """

    def __init__(self, operations: Iterable[O], outputs: Iterable[Value]) -> None:
        self.definitions: dict[str, O] = {}
        self.users: dict[Value, list[O]] = {}
        self.outputs = frozenset(outputs)
        for operation in operations:
            self.definitions[operation.name] = operation
            for value in dict.fromkeys(operation.operands):
                self.users.setdefault(value, []).append(operation)

    def definition(self, operand: Operand) -> O | None:
        """Return the operation that makes the operand; None for literals and for inputs of the graph.

        Args:
            operand: A value or a literal.

        Returns:
            The operation, of which the value is one output.
        """
        return self.definitions.get(operand.node) if isinstance(operand, Value) else None

    def count(self, value: Value) -> int:
        """Return the number of operations that use the value, plus one if it is an output of the graph.

        Args:
            value: A value of the graph.

        Returns:
            The number of uses; an operation that uses the value twice counts once.
        """
        return len(self.users.get(value, ())) + (value in self.outputs)

    def is_private(self, value: Value, users: Collection[O]) -> bool:
        """Return whether only ``users`` use the value, and it is not an output of the graph.

        Args:
            value: A value of the graph.
            users: The operations that may use it.

        Returns:
            True if removing ``users`` leaves the value without a use.
        """
        allowed = {id(user) for user in users}
        return value not in self.outputs and all(id(user) in allowed for user in self.users.get(value, ()))
