"""Lowered programs: statements that assign Python expressions to values of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterable, Mapping

from neutral.graph import Input, Value
from neutral.rewriting import resolve
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import Ref, Term
from neutral_to_torch.emission.expression.traversal import owns, values


@dataclass(frozen=True, eq=False)
class Statement:
    """An assignment of the emitted program: ``results = term``.

    Attributes:
        name: The node's name, from which variables are named.
        term: The expression on the right-hand side.
        results: A value, or a nested tuple of values and None, that ``term`` is unpacked into.
        kind: The catalogue kind of the node; "" where the emitter made the statement.
    """

    name: str
    term: Term
    results: Any
    kind: str = ""

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The values that it assigns, in order."""
        return tuple(flatten(self.results))

    @cached_property
    def declarations(self) -> tuple[Any, ...]:
        """The declarations that it uses, each once, in order."""
        return tuple(dict.fromkeys(own.declaration for own in owns(self.term)))

    @cached_property
    def operands(self) -> tuple[Value, ...]:
        """The values that it uses, each once, in order."""
        return tuple(dict.fromkeys(values(self.term)))


@dataclass(frozen=True, eq=False)
class Program:
    """The body of a ``forward``.

    Attributes:
        inputs: The arguments.
        statements: In execution order.
        outputs: The values that are returned.
        aliases: For values of the graph that no statement assigns the equal value that one does.
    """

    inputs: tuple[Input, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[Value, ...]
    aliases: Mapping[Value, Value]


def flatten(pattern: Any) -> Iterable[Value]:
    """Yield the values of a nested tuple of values and None.

    Args:
        pattern: A value, None, or a tuple of these, nested to any depth.

    Yields:
        A value, from left to right.
    """
    if isinstance(pattern, tuple):
        for item in pattern:
            yield from flatten(item)
    elif pattern is not None:
        yield pattern


def substitute(term: Term, aliases: Mapping[Value, Value]) -> Term:
    """Return the term with each value replaced by the one that equals it.

    Args:
        term: The term; it is not changed.
        aliases: The value that takes the place of another, chains included.

    Returns:
        The new term.
    """
    return rebuild(term, lambda leaf: Ref(resolve(leaf.value, aliases)) if isinstance(leaf, Ref) else None)
