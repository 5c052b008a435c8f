"""Rebuild terms with parts replaced; terms are immutable."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import FIELDS, TERM_CLASSES, Body, Control, ModuleOrFunction, Ref, Term


def inline(term: Term) -> Term:
    """Return the term with the inline one of every two alternatives.

    Args:
        term: The term; it is not changed.

    Returns:
        A term without alternatives.
    """
    return rebuild(term, lambda part: inline(part.inline) if isinstance(part, ModuleOrFunction) else None)


def map_children(term: Term, function: Callable[[Term], Term]) -> Term:
    """Return the term with every term directly inside replaced by ``function`` of it.

    Both of two alternatives are replaced. Bodies of loops and branches stay as they are; see :func:`rebuild`.

    Args:
        term: The term; it is not changed.
        function: Returns the replacement of a term, or the term itself.

    Returns:
        A term of the same class.

    Example:
        >>> from neutral_to_torch.emission.expression.terms import Name, Operation
        >>> map_children(Operation("-", (Name("x"),)), lambda child: Name("y"))
        Operation(symbol='-', operands=(Name(text='y'),))
    """
    names = FIELDS[type(term)]
    old = [getattr(term, name) for name in names]
    new = [_map_terms(value, function) for value in old]
    if all(a is b for a, b in zip(old, new)):
        return term
    return type(term)(*new)


def rebuild(term: Term, replace: Callable[[Term], Term | None]) -> Term:
    """Return the term with parts replaced, from the outside inwards.

    Args:
        term: The term to rebuild; it is not changed.
        replace: Returns the replacement of a part, which is not searched further, or None to keep the part.

    Returns:
        The new term.
    """
    new = replace(term)
    if new is not None:
        return new
    term = map_children(term, lambda child: rebuild(child, replace))
    if isinstance(term, Control):
        return dataclasses.replace(term, bodies=tuple(rebuild_body(body, replace) for body in term.bodies))
    return term


def rebuild_body(body: Body, replace: Callable[[Term], Term | None]) -> Body:
    """Return the body with its terms rebuilt; the values that it defines are replaced like those that it uses.

    Args:
        body: The body of a loop or branch; it is not changed.
        replace: Returns the replacement of a part, or None to keep the part; see :func:`rebuild`.

    Returns:
        The new body.
    """

    def value(old: Value) -> Value:
        new = replace(Ref(old))
        return new.value if isinstance(new, Ref) else old

    def pattern(results: Any) -> Any:
        return tuple(map(pattern, results)) if isinstance(results, tuple) else results and value(results)

    statements = tuple(
        dataclasses.replace(statement, term=rebuild(statement.term, replace), results=pattern(statement.results))
        for statement in body.statements
    )
    return Body(tuple(map(value, body.inputs)), statements, tuple(map(value, body.outputs)))


def _map_terms(value: Any, function: Callable[[Term], Term]) -> Any:
    if isinstance(value, TERM_CLASSES):
        return function(value)
    if isinstance(value, tuple):
        items = tuple(_map_terms(item, function) for item in value)
        return value if all(a is b for a, b in zip(items, value)) else items
    return value
