"""Mutants of a module's source: one changed comparison, constant, operator, condition or removed raise each."""

from __future__ import annotations

import ast
from copy import deepcopy
from dataclasses import dataclass
from typing import Callable, Iterator

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}

Change = Callable[[ast.AST], str]
"""Changes a node in place, and returns a description."""


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes:
        line: The line of the change.
        text: What was changed.
        tree: The module's syntax tree.
    """

    line: int
    text: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its lines.

    Args:
        source: The module's source.

    Returns:
        The mutants; messages, annotations and docstrings are not changed.

    Example:
        >>> [mutant.text for mutant in mutants("def f(x): return x < 3")]
        ['Lt for LtE', '3 for 4']
    """
    tree = ast.parse(source)
    skipped = set(_skipped(tree))
    for index, node in enumerate(ast.walk(tree)):
        for change in () if node in skipped else _changes(node):
            copy = deepcopy(tree)
            changed = next(other for number, other in enumerate(ast.walk(copy)) if number == index)
            text = change(changed)
            yield Mutant(getattr(node, "lineno", 0), text, ast.fix_missing_locations(copy))


def _skipped(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what no test could tell apart: annotations, messages of errors, and attributes of ``sys``."""
    for node in ast.walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None:
                yield from ast.walk(part)
        if isinstance(node, ast.JoinedStr):
            yield from ast.walk(node)


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield _swap_comparison
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        yield _swap_operation
    elif isinstance(node, ast.BoolOp):
        yield _swap_junction
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield _increment
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield _negate
    elif isinstance(node, ast.ExceptHandler) and any(isinstance(child, ast.Raise) for child in node.body):
        yield _remove_raise
    if isinstance(node, ast.If) and any(isinstance(child, ast.Raise) for child in node.body):
        yield _remove_raise


def _swap_comparison(node: ast.AST) -> str:
    assert isinstance(node, ast.Compare)
    old, new = type(node.ops[0]), COMPARISONS[type(node.ops[0])]
    node.ops[0] = new()
    return f"{old.__name__} for {new.__name__}"


def _swap_operation(node: ast.AST) -> str:
    assert isinstance(node, ast.BinOp)
    old, new = type(node.op), OPERATIONS[type(node.op)]
    node.op = new()
    return f"{old.__name__} for {new.__name__}"


def _swap_junction(node: ast.AST) -> str:
    assert isinstance(node, ast.BoolOp)
    old = type(node.op)
    node.op = ast.Or() if old is ast.And else ast.And()
    return f"{old.__name__} for {type(node.op).__name__}"


def _increment(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant) and isinstance(node.value, int)
    node.value += 1
    return f"{node.value - 1} for {node.value}"


def _negate(node: ast.AST) -> str:
    assert isinstance(node, (ast.If, ast.While, ast.IfExp))
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return "condition for its negation"


def _remove_raise(node: ast.AST) -> str:
    body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
    node.body = [ast.Pass() if isinstance(child, ast.Raise) else child for child in body]  # type: ignore[attr-defined]
    return "raise for pass"
