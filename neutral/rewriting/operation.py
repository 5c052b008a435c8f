"""Operations of a dataflow graph, dead-code elimination and topological order."""

from __future__ import annotations

from typing import Iterable, Protocol, Sequence, TypeVar

from neutral.graph import Value


class Operation(Protocol):
    """A named step of a dataflow graph whose outputs are ``Value(name, 0)``, ``Value(name, 1)`` and so on.

    Example:
        >>> from typing import NamedTuple
        >>> class Step(NamedTuple):
        ...     name: str
        ...     operands: tuple
        >>> step: Operation = Step("y", (Value("x"),))
        >>> reachable([step, Step("unused", (Value("y"),))], [Value("y")])[0] == [step]
        True
    """

    @property
    def name(self) -> str:
        """The name, unique in the graph."""
        ...

    @property
    def operands(self) -> Sequence[Value]:
        """The values that the operation uses, computed tensor roles included."""
        ...


O = TypeVar("O", bound=Operation)  # noqa: E741  the field's letter for an operation


def reachable(operations: Sequence[O], outputs: Iterable[Value]) -> tuple[list[O], set[str]]:
    """Drop the operations that no output depends on (dead-code elimination).

    Args:
        operations: In execution order: every operand belongs to an earlier operation or to an input of the graph.
        outputs: The values to keep alive.

    Returns:
        The operations that are left, in their order, and the names of all operations and inputs that are needed.

    Example:
        >>> from neutral.graph import Node, Value
        >>> nodes = [Node("a", "relu", (Value("x"),), {}), Node("dead", "exp", (Value("a"),), {})]
        >>> kept, names = reachable(nodes, [Value("a")])
        >>> [node.name for node in kept], sorted(names)
        (['a'], ['a', 'x'])
    """
    needed = {value.node for value in outputs}
    kept = []
    for operation in reversed(operations):
        if operation.name in needed:
            kept.append(operation)
            needed.update(value.node for value in operation.operands)
    return kept[::-1], needed


def sort_topologically(operations: Sequence[O]) -> list[O]:
    """Sort operations into execution order: each after those whose outputs it uses, otherwise in the given order.

    Args:
        operations: In any order, without a cycle.

    Returns:
        All operations, each once.

    Example:
        >>> from neutral.graph import Node, Value
        >>> late = Node("late", "relu", (Value("early"),), {})
        >>> early = Node("early", "relu", (Value("x"),), {})
        >>> [node.name for node in sort_topologically([late, early])]
        ['early', 'late']
    """
    by_name = {operation.name: operation for operation in operations}
    ordered: dict[str, O] = {}
    for operation in operations:
        stack = [operation]
        while stack:
            top = stack[-1]
            missing = [v.node for v in top.operands if v.node in by_name and v.node not in ordered]
            if missing:
                stack += [by_name[name] for name in missing]
            else:
                ordered.setdefault(stack.pop().name, top)
    return list(ordered.values())
