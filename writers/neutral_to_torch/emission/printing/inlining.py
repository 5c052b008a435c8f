"""Choose which statements are written inside the one that uses their result, as far as it stays readable."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    Control,
    ForEachModule,
    ListOrTuple,
    Operation,
    Ref,
    SelfAttribute,
    Term,
)
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.expression.traversal import children, values, walk
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.printing.block_context import Line
from neutral_to_torch.emission.printing.control import is_inlined_well


class Inliner:
    """Write operands that are used once inside the statement that uses them.

    Args:
        has_own_line: Returns whether the application of a submodule or parameter is a statement of its own.
        hint: Proposes the name of the variable that a statement assigns.
        named: Returns a term with names for its values, from which its width is measured.
    """

    def __init__(
        self,
        has_own_line: Callable[[Any], bool],
        hint: Callable[[Statement], str],
        named: Callable[[Term, Mapping[Value, str]], Term],
    ) -> None:
        self._has_own_line, self._hint, self._named = has_own_line, hint, named

    def lines(
        self, statements: Sequence[Statement], finals: Sequence[Line], keys: dict[Line, object], whole: set[object]
    ) -> list[Line]:
        """Return a line for each statement that is not written inside another.

        Args:
            statements: The statements of a block, in order.
            finals: The lines that end the block; their terms are changed in place.
            keys: The statements of each line; the lines of ``statements`` are added.
            whole: Statements, and finals by their key, into which nothing is inlined.

        Returns:
            The lines, and then the finals.
        """
        uses = Counter(value for statement in statements for value in values(statement.term))
        uses.update(value for line in finals for value in values(line.term))
        pending: dict[Value, Line] = {}
        order: list[Line] = []
        for statement in statements:
            line = Line(statement.results, statement.term, self._hint(statement))
            keys[line] = statement
            if statement not in whole:
                self._absorb(line, pending)
            if isinstance(statement.results, Value) and uses[statement.results] == 1:
                pending[statement.results] = line
            order.append(line)
        for final in finals:
            if keys[final] not in whole:
                self._absorb(final, pending)
        return [*(line for line in order if not line.inlined), *finals]

    def _absorb(self, line: Line, pending: dict[Value, Line]) -> None:
        """Write operands that are used only here inside the line, as far as it stays readable."""
        operands = dict.fromkeys(values(line.term))
        if len(operands) > 2 and not isinstance(line.term, (Control, ForEachModule)) and _joins_many(line.term):
            self._absorb_many(line, operands, pending)
        else:
            self._absorb_each(line, operands, pending)

    def _absorb_each(self, line: Line, operands: Iterable[Value], pending: dict[Value, Line]) -> None:
        for value in operands:
            producer = pending.pop(value, None)
            if producer is None:
                continue
            merged = _replace(line.term, {value: producer.term})
            if self._reads_well(line.term, producer.term, merged):
                line.term = merged
                line.holds = producer.inlined = True

    def _absorb_many(self, line: Line, operands: Iterable[Value], pending: dict[Value, Line]) -> None:
        """Do as :meth:`_absorb` for a term with a list of more than two items, in time linear in the operands."""
        depths = dict(_depths_of_values(line.term))
        depth, weight = self._depth(line.term), self._weight(line.term)
        replaced: dict[Value, Term] = {}
        used = set(operands)
        for value in operands:
            if len(used) < 2:
                break
            producer = pending.pop(value, None)
            if producer is None or isinstance(producer.term, (ForEachModule, Conditional)):
                continue
            own, heavy = self._depth(producer.term), self._weight(producer.term)
            if own > 1 or (heavy and weight and self._applies_weights(line.term)):
                continue
            if max(depth, depths[value] + own) > HEURISTICS.deepest_expression:
                continue
            replaced[value] = producer.term
            used.remove(value)
            used.update(values(producer.term))
            depth, weight = max(depth, depths[value] + own), weight + heavy
            line.holds = producer.inlined = True
        line.term = _replace(line.term, replaced) if replaced else line.term
        if len(used) < 2:
            self._absorb_each(line, [value for value in operands if value in pending], pending)

    def _reads_well(self, consumer: Term, producer: Term, merged: Term) -> bool:
        if isinstance(consumer, ForEachModule) or isinstance(producer, ForEachModule):
            return False
        if isinstance(merged, Control):
            return is_inlined_well(merged) and self._depth(producer) < HEURISTICS.deepest_expression
        if isinstance(consumer, Ref):
            return True
        if isinstance(producer, Conditional):
            return False
        merging = len(set(values(consumer))) > 1 or isinstance(consumer, ListOrTuple)
        if merging and self._depth(producer) > 1:
            return False
        if not merging and self._weight(producer) + self._weight(consumer) > 1:
            return False
        if merging and self._weight(producer) and self._weight(consumer) and self._applies_weights(consumer):
            return False
        if merging and any(isinstance(item, ListOrTuple) and len(item.items) > 2 for item in walk(consumer)):
            return self._depth(merged) <= HEURISTICS.deepest_expression
        return (
            self._depth(merged) <= HEURISTICS.deepest_expression
            and len(text(self._named(merged, {}))) + 8 + 4 <= HEURISTICS.comfortable_width
        )

    def _applies_weights(self, term: Term) -> bool:
        return (
            isinstance(term, Call)
            and isinstance(term.callee, SelfAttribute)
            and self._has_own_line(term.callee.declaration)
        )

    def _weight(self, term: Term) -> int:
        return sum(self._applies_weights(item) for item in walk(term))

    def _depth(self, term: Term) -> int:
        inner = max((self._depth(child) for child in children(term)), default=0)
        return inner + isinstance(term, (Call, Operation))


def _replace(term: Term, by: Mapping[Value, Term]) -> Term:
    return rebuild(term, lambda leaf: by.get(leaf.value) if isinstance(leaf, Ref) else None)


def _joins_many(term: Term) -> bool:
    """Return whether the term has a list of more than two items, each with a value of its own."""
    return any(
        isinstance(item, ListOrTuple) and len(item.items) > 2 and all(isinstance(part, Ref) for part in item.items)
        for item in walk(term)
    )


def _depths_of_values(term: Term, depth: int = 0) -> Iterator[tuple[Value, int]]:
    """Yield for each value of the term the calls and operations that it stands in."""
    if isinstance(term, Ref):
        yield term.value, depth
    for child in children(term):
        yield from _depths_of_values(child, depth + isinstance(term, (Call, Operation)))
