"""Replace operations in a sequence."""

from __future__ import annotations

from typing import Collection, Iterable, Sequence

from neutral.rewriting.operation import O, sort_topologically


def replace_operations(operations: Sequence[O], new: Iterable[O], removed: Collection[str]) -> list[O]:
    """Remove operations, insert new ones in their places, and sort the result topologically.

    Args:
        operations: The graph's operations, in execution order.
        new: Operations to insert. One that has the name of a removed operation takes its place, together with the
            new ones that are given directly before it; those after the last such operation are appended.
        removed: Names of operations to remove.

    Returns:
        The operations in execution order.

    Example:
        >>> from neutral.graph import Node, Value
        >>> matmul = Node("matmul", "matmul", (Value("x"), Value("w")), {})
        >>> add = Node("add", "add", (Value("matmul"), Value("b")), {})
        >>> relu = Node("relu", "relu", (Value("add"),), {})
        >>> linear = Node("add", "linear", (Value("x"),), {})
        >>> [node.kind for node in replace_operations([matmul, add, relu], [linear], {"matmul", "add"})]
        ['linear', 'relu']
    """
    groups: dict[str, list[O]] = {}
    pending: list[O] = []
    for operation in new:
        pending.append(operation)
        if operation.name in removed:
            groups[operation.name], pending = pending, []
    result: list[O] = []
    for operation in operations:
        result += groups.get(operation.name, []) if operation.name in removed else [operation]
    return sort_topologically(result + pending)
