"""A block of statements before it has text: its lines, its indentation and names, and the printer that writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Term
from neutral_to_torch.emission.lowering.program import Statement


@dataclass(eq=False)
class Line:
    """A statement of a block: an assignment, or the line that ends the block.

    Attributes:
        results: The target of the assignment, a value or a nested tuple of values and None; None for the last line.
        term: The expression.
        hint: The name that is proposed for the variable.
        inlined: Whether the statement is written inside another.
        holds: Whether another statement is written inside this one.
        before: The text before the term, in the last line of a block.
        after: The text behind it.
        targets: The variables that the last line assigns the items of the term to, instead of writing ``before``.
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

    Attributes:
        indent: The indentation, in steps of four columns.
        reserved: Names that no variable of the block may have.
        carried: For each value that becomes a loop's or branch's result the state whose next value it is (None for
            none), and the variable that it is assigned to unless the state is used later.
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
        """Return the statements of a block that ends with ``finals``.

        Args:
            inputs: The values that the block begins with, and their names.
            statements: The statements, in order.
            finals: The lines that end the block; they are not changed.
            scope: The block's indentation and the names that it must not use.

        Returns:
            Lines of source.
        """
        ...

    def named(self, term: Term, names: Mapping[Value, str]) -> Term:
        """Return the term with variables for values and attributes of ``self`` for submodules.

        Args:
            term: Any term; it is not changed.
            names: The variables of values.

        Returns:
            A term that can be written as text.
        """
        ...
