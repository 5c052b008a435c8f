"""Write the body of a ``forward``, and of the blocks inside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import ListOrTuple, Name, Ref, SelfAttribute, Term
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.printing.block_context import BlockContext, Line
from neutral_to_torch.emission.printing.block_text import BlockText
from neutral_to_torch.emission.printing.inlining import Inliner
from neutral_to_torch.emission.printing.signatures import without_defaults


class Forward:
    """Write the body of one ``forward``.

    Args:
        own: Returns the text of a submodule or parameter, such as ``self.conv1``.
        has_own_line: Returns whether the application of a submodule or parameter is a statement of its own.
        hint: Proposes the name of the variable that a statement assigns.
        reserved: Names that no variable may have.
        flow: The name of the variable that a chain of statements assigns again and again.
        nouns: Names of values after their use.
    """

    def __init__(
        self,
        own: Callable[[Any], str],
        has_own_line: Callable[[Any], bool],
        hint: Callable[[Statement], str],
        reserved: frozenset[str],
        flow: str,
        nouns: Mapping[Value, str],
    ) -> None:
        self._own, self._reserved, self._flow, self._nouns = own, reserved, flow, nouns
        self._inliner = Inliner(has_own_line, hint, self.named)

    def lines(
        self, inputs: Sequence[tuple[Value, str]], statements: Sequence[Statement], outputs: Sequence[Value]
    ) -> list[str]:
        """Return the statements, indented as a method's body.

        Args:
            inputs: The arguments: values and their names.
            statements: The statements, in order.
            outputs: The values that ``forward`` returns.

        Returns:
            Lines of source, the ``return`` included.
        """
        items = tuple(Ref(value) for value in outputs)
        final = Line(None, items[0] if len(items) == 1 else ListOrTuple(items, "()"))
        return self.block(inputs, statements, [final], BlockContext(2, self._reserved))

    def block(
        self,
        inputs: Sequence[tuple[Value, str]],
        statements: Sequence[Statement],
        finals: Sequence[Line],
        scope: BlockContext,
    ) -> list[str]:
        """Return the statements of a block that ends with ``finals``.

        Statements that would exceed the width with operands inside are written again without them.

        Args:
            inputs: The values that the block begins with, and their names.
            statements: The statements, in order.
            finals: The lines that end the block; they are not changed.
            scope: The block's indentation and the names that it must not use.

        Returns:
            Lines of source.
        """
        whole: set[object] = set()
        while True:
            endings = [replace(line) for line in finals]
            keys: dict[Line, object] = dict(zip(endings, finals))
            lines = self._inliner.lines(statements, endings, keys, whole)
            block = BlockText(self, inputs, lines, scope, self._flow, self._nouns)
            block.write()
            crowded = {keys[line] for line in block.too_long if line.holds}
            if not crowded:
                return block.output
            whole |= crowded

    def named(self, term: Term, names: Mapping[Value, str]) -> Term:
        """Return the term with names for values, submodules and parameters, without arguments that are defaults.

        Args:
            term: Any term; it is not changed.
            names: The variables of values; others are called ``x``.

        Returns:
            A term that can be written as text.
        """

        def name(leaf: Term) -> Term | None:
            if isinstance(leaf, Ref):
                return Name(names.get(leaf.value, "x"))
            return Name(self._own(leaf.declaration)) if isinstance(leaf, SelfAttribute) else None

        return without_defaults(rebuild(term, name))
