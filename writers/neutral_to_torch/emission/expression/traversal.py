"""Walk terms: their parts, and the values and attributes of ``self`` that they use."""

from __future__ import annotations

from typing import Any, Iterator

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import (
    FIELDS,
    TERM_CLASSES,
    Body,
    Call,
    ModuleOrFunction,
    Ref,
    SelfAttribute,
    Term,
)


def children(term: Term) -> tuple[Term, ...]:
    """Return the terms directly inside, in the order in which they are written.

    Of two alternatives that is the inline one; of the bodies of a loop or branch it is the attributes of ``self``.

    Args:
        term: Any term.

    Returns:
        The terms; empty for a name or a literal.

    Example:
        >>> from neutral_to_torch.emission.expression.terms import Literal, Name, Operation
        >>> children(Operation("+", (Name("x"), Literal(1))))
        (Name(text='x'), Literal(value=1))
    """
    if isinstance(term, ModuleOrFunction):
        return (term.inline,)
    return tuple(_terms_in(tuple(getattr(term, name) for name in FIELDS[type(term)])))


def walk(term: Term) -> Iterator[Term]:
    """Yield the term and everything inside, in the order in which it is written.

    Args:
        term: Any term.

    Yields:
        A term, before those inside it.
    """
    yield term
    for child in children(term):
        yield from walk(child)


def values(term: Term) -> list[Value]:
    """Return the values of the graph that the term uses, each as often as it is used.

    Args:
        term: Any term.

    Returns:
        The values, in the order in which they are written.
    """
    return [item.value for item in walk(term) if isinstance(item, Ref)]


def owns(term: Term) -> list[SelfAttribute]:
    """Return the attributes of ``self`` that the term uses, each as often as it is used.

    Of two alternatives the one with the submodule counts.

    Args:
        term: Any term.

    Returns:
        The attributes, in the order in which they are written.
    """
    if isinstance(term, SelfAttribute):
        return [term]
    if isinstance(term, ModuleOrFunction):
        return owns(term.module)
    return [own for child in children(term) for own in owns(child)]


def applied(term: Term) -> SelfAttribute | None:
    """Return the submodule where the term only applies one to values, else None.

    Args:
        term: Any term; of two alternatives the one with the submodule counts.

    Returns:
        The attribute of ``self`` that holds the submodule.
    """
    if isinstance(term, ModuleOrFunction):
        term = term.module
    if isinstance(term, Call) and isinstance(term.callee, SelfAttribute):
        return term.callee
    return None


def _terms_in(value: Any) -> Iterator[Term]:
    """Yield the terms in the value of a field: a term, a body, or a tuple of any of these and of other values."""
    if isinstance(value, TERM_CLASSES):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _terms_in(item)
    elif isinstance(value, Body):
        for statement in value.statements:
            yield from (part for part in walk(statement.term) if isinstance(part, SelfAttribute))
