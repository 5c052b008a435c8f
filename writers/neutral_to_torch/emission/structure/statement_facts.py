"""Facts about statements that decide which of them may become a class."""

from __future__ import annotations

from collections import Counter
from typing import Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Declaration, ListOrTuple, Ref
from neutral_to_torch.emission.expression.traversal import walk
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Instance, has_weights, owned
from neutral_to_torch.emission.structure.regions import StatementGraph


def is_normalized(graph: StatementGraph, k: int) -> bool:
    """Return whether a statement applies a layer with weights whose output is normalized, and not used otherwise.

    Args:
        graph: The graph of statements.
        k: The index of the statement.
    """
    results = graph.statements[k].results
    user = graph.only_user(results) if isinstance(results, Value) and applies_weights(graph.statements[k]) else None
    return user is not None and graph.statements[user].kind == "batch_norm"


def is_joined(statement: Statement) -> bool:
    """Return whether the statement joins several values along an axis.

    Args:
        statement: A statement.

    Returns:
        True for concatenation and stacking.
    """
    lists = [item for item in walk(statement.term) if isinstance(item, ListOrTuple)]
    return any(sum(isinstance(item, Ref) for item in operands.items) > 1 for operands in lists)


def holds_tensors(graph: StatementGraph, inside: set[int]) -> bool:
    """Return whether the statements own any tensor of the store.

    Args:
        graph: The graph of statements.
        inside: Indices of statements.

    Returns:
        True also where a block is among them.
    """
    for k in inside:
        for item in owned([graph.statements[k]]):
            if isinstance(item, Instance) or (isinstance(item, Declaration) and item.tensors):
                return True
    return False


def applies_weights(statement: Statement) -> bool:
    """Return whether a statement applies a block or a layer with weights.

    Args:
        statement: A statement.
    """
    return any(has_weights(item) for item in owned([statement]))


def shared_declarations(statements: Sequence[Statement]) -> Counter[object]:
    """Count the statements that use each declaration.

    Args:
        statements: The statements of one ``forward``.
    """
    return Counter(item for statement in statements for item in owned([statement]))
