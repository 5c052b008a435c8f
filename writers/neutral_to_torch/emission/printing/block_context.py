"""A block of statements before it has text: its lines, its indentation and names, and the printer that writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Term
from neutral_to_torch.emission.lowering.program import Statement


@dataclass(eq=False)
class Line:
    """A statement: ``results = term``, or where ``results`` is None what ends a block.

    ``inlined`` says that it stands inside another, ``holds`` that another stands inside it. What ends a block is
    ``before`` term ``after``, or gives the items of the term to variables, the ``targets``.
    """

    results: Any
    term: Term
    hint: str = ""
    inlined: bool = False
    holds: bool = False
    before: str = "return "
    after: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class BlockContext:
    """Where a block of statements stands: its indentation, and the names that it must not use.

    ``carried`` are values that should have the name of another, the state that they are the next value of, where that
    is not used any more.
    """

    indent: int
    reserved: frozenset[str]
    carried: Mapping[Value, tuple[Value | None, str]] = field(default_factory=dict)


class BlockPrinter(Protocol):
    """Writes blocks of statements; loops and branches ask it for their bodies."""

    def block(
        self,
        inputs: Sequence[tuple[Value, str]],
        statements: Sequence[Statement],
        finals: Sequence[Line],
        scope: BlockContext,
    ) -> list[str]:
        """Return the statements of a block that ends with ``finals``."""
        ...

    def named(self, term: Term, names: Mapping[Value, str]) -> Term:
        """Return the term with variables for values and attributes of ``self`` for submodules."""
        ...
