"""The results of steps that became a loop: lists of values, and how the statements behind the loop use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Collection, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import rebuild
from neutral_to_torch.emission.expression.terms import Control, Index, ListOrTuple, Literal, Operation, Ref, Slice, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.lowering.program_index import ProgramIndex
from neutral_to_torch.emission.lowering.repeated_steps import Steps
from neutral_to_torch.emission.lowering.step_patterns import Carried


def without(term: Term, items: Mapping[Value, Term]) -> Term:
    """Return the term with values replaced by terms.

    Args:
        term: The term; it is not changed.
        items: The term that takes the place of each value; others stay.
    """
    return rebuild(term, lambda leaf: items.get(leaf.value) if isinstance(leaf, Ref) else None) if items else term


class StepResults:
    """Values of steps that are used behind their loop.

    Args:
        index: The program.
        steps: The steps.
        states: The outputs of a step that the next one takes.

    Attributes:
        lists: The outputs of a step that are collected, with the value of the list.
        singles: The values that rewritten statements take from a list one by one.
    """

    def __init__(self, index: ProgramIndex, steps: Steps, states: set[Carried]) -> None:
        self._index, self._steps, self._states = index, steps, states
        self._sources = {
            value: (Carried(place, value.output), number)
            for number, step in enumerate(steps.statements)
            for place, statement in enumerate(step)
            for value in index.statements[statement].values
        }
        self.lists: dict[Carried, Value] = {}
        self.singles: set[Value] = set()

    def last(self, operand: Carried) -> Value | None:
        """Return what an output is in the last step, None where nothing uses it.

        Args:
            operand: The place in a step, and the number of the output.
        """
        statement = self._index.statements[self._steps.statements[-1][operand.place]]
        return next((value for value in statement.values if value.output == operand.output), None)

    def lists_of(self, after: Sequence[int], outputs: Sequence[Value], name: str) -> None:
        """Enter the lists: of all outputs of steps that are more than the last state.

        Args:
            after: The statements behind the loop.
            outputs: The program's outputs.
            name: The beginning of the names of the lists' values.
        """
        used = [value for k in after for value in self._index.statements[k].operands] + list(outputs)
        for value in used:
            if value in self._sources:
                source, number = self._sources[value]
                if source not in self.lists and not self._is_last_state(source, number):
                    self.lists[source] = Value(f"{name}/outputs", len(self.lists))

    def _is_last_state(self, source: Carried, number: int) -> bool:
        return source in self._states and number == len(self._steps.statements) - 1

    def rewritten(self, statement: Statement) -> Statement:
        """Return a statement behind the loop with lists, or their items, in the place of the values of steps.

        Args:
            statement: The statement.
        """
        if isinstance(statement.term, Control) or not any(value in self._sources for value in statement.operands):
            return statement
        return replace(statement, term=rebuild(statement.term, self._replacement))

    def aliases(self, wanted: Collection[Value]) -> list[Statement]:
        """Return statements that take values from the lists.

        Args:
            wanted: Any values; those that are not in a list are left out.
        """
        terms = {value: self._item(value) for value in self._sources if value in wanted}
        return [Statement(value.node, term, value) for value, term in terms.items() if term != Ref(value)]

    def _item(self, value: Value) -> Term:
        source, number = self._sources[value]
        if self._is_last_state(source, number):
            return Ref(value)
        return Index(Ref(self.lists[source]), (Literal(number),))

    def _replacement(self, leaf: Term) -> Term | None:
        if isinstance(leaf, Ref) and leaf.value in self._sources:
            term = self._item(leaf.value)
            if term != leaf:
                self.singles.add(leaf.value)
            return term
        if isinstance(leaf, ListOrTuple) and leaf.brackets == "[]":
            return self._joined(leaf)
        return None

    def _joined(self, written: ListOrTuple) -> Term | None:
        """Return a list with runs of a step's outputs as parts of the collected list, None where it has none."""
        parts: list[Term] = []
        singles: list[Term] = []
        position, items = 0, written.items
        while position < len(items):
            run = self._run(items[position:])
            if run is None:
                singles.append(rebuild(items[position], self._replacement))
                position += 1
                continue
            part, length = run
            if singles:
                parts.append(ListOrTuple(tuple(singles)))
            parts.append(part)
            singles = []
            position += length
        if not parts:
            return None
        if singles:
            parts.append(ListOrTuple(tuple(singles)))
        result = parts[0]
        for part in parts[1:]:
            result = Operation("+", (result, part))
        return result

    def _run(self, items: Sequence[Term]) -> tuple[Term, int] | None:
        """Return the part of a list that items begin with, and its length; None where it is short."""
        sources = []
        for item in items:
            source = self._sources.get(item.value) if isinstance(item, Ref) else None
            if source is None or source[0] not in self.lists:
                break
            sources.append(source)
        if not sources:
            return None
        (first, start), whole = sources[0], self.lists[sources[0][0]]
        count = len(self._steps.statements)
        if sources[:count] == [(first, number) for number in reversed(range(count))]:
            return Index(Ref(whole), (Slice(Literal(None), Literal(None), Literal(-1)),)), count
        length = 0
        while length < len(sources) and sources[length] == (first, start + length):
            length += 1
        if length < HEURISTICS.fewest_looped:
            return None
        bounds = (start or None, None if start + length == count else start + length, None)
        return Ref(whole) if length == count else Index(Ref(whole), (Slice(*map(Literal, bounds)),)), length
