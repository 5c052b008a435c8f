"""Write steps that repeat along time, and share their layers, as a loop: an attention decoder that MXNet unrolled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Hashable, Iterator, NamedTuple, Sequence, Tuple

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import inline, rebuild
from neutral_to_torch.emission.expression.terms import (
    Body,
    Call,
    Control,
    Index,
    ListOrTuple,
    Literal,
    Name,
    Ref,
    SelfAttribute,
    Slice,
    Term,
)
from neutral_to_torch.emission.expression.traversal import owns, values
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Program, Statement

_MOST_RUNS, _MOST_STARTS = 3, 8
"""Runs that are tried as a loop, and statements with which a run may begin: what takes longest to find is no loop."""

_NOTHING = Literal(None)
_Place = Tuple[int, int]
"""A statement of a step, and the number of one of its results."""


class _Part(NamedTuple):
    """A value of a statement with several results, and its number."""

    statement: Statement
    number: int


def fold_steps(program: Program) -> Program:
    """Replace statements that repeat by a loop over them.

    Args:
        program: A lowered program.

    Returns:
        The program, with a loop in the place of each run of at least :data:`HEURISTICS.fewest_steps` equal steps that
        apply the same layers.
    """
    while True:
        folded = next(filter(None, _foldings(program)), None)
        if folded is None:
            return program
        program = folded


def _foldings(program: Program) -> Iterator[Program | None]:
    """Yield the program with one of its runs folded, the longest runs first; None for those that are no loop."""
    statements = program.statements
    for start, end, period in _runs(statements)[:_MOST_RUNS]:
        loops = []
        for first in range(start, start + min(period, (end - start) % period + 1, _MOST_STARTS)):
            loop = _Loop(program, first, period, (end - first) // period)
            if loop.is_found():
                loops.append(loop)
        if loops:
            yield min(loops, key=lambda loop: len(loop.states) + len(loop.collected)).folded()


def _runs(statements: Sequence[Statement]) -> list[tuple[int, int, int]]:
    """Return where statements repeat: the first statement, the one after the last, and the period."""
    tokens = [_token(statement) for statement in statements]
    found: list[tuple[int, int, int]] = []
    for period in _periods(statements, tokens):
        start = None
        for position in range(len(tokens) - period + 1):
            is_equal = position + period < len(tokens) and tokens[position] == tokens[position + period]
            if is_equal and start is None:
                start = position
            elif not is_equal and start is not None:
                end = position + period
                is_part = any(end <= run[1] and start >= run[0] and not period % run[2] for run in found)
                has_layers = any(statement.declarations for statement in statements[start : start + period])
                if end - start >= HEURISTICS.fewest_steps * period and has_layers and not is_part:
                    found.append((start, end, period))
                start = None
    return sorted(found, key=lambda run: -((run[1] - run[0]) // run[2] - 1) * run[2])


def _periods(statements: Sequence[Statement], tokens: Sequence[Hashable]) -> list[int]:
    """Return the distances at which layers are applied again, the smallest first."""
    places: dict[Hashable, list[int]] = {}
    for position, statement in enumerate(statements):
        if statement.declarations:
            places.setdefault(tokens[position], []).append(position)
    distances = Counter(
        positions[index + turns] - positions[index]
        for positions in places.values()
        for turns in (1, 2)
        for index in range(len(positions) - turns)
    )
    fewest, longest = HEURISTICS.fewest_steps, HEURISTICS.longest_step
    return sorted(period for period, count in distances.items() if count >= fewest - 2 and 2 <= period <= longest)


def _token(statement: Statement) -> Hashable:
    """Return what statements of equal steps have in common: all but the values."""
    if isinstance(statement.term, Control):
        return id(statement)

    def general(leaf: Term) -> Term | None:
        if isinstance(leaf, Ref):
            return Ref(Value(""))
        return Name(f"self.{id(leaf.declaration)}") if isinstance(leaf, SelfAttribute) else None

    return statement.kind, repr(rebuild(inline(statement.term), general)), len(_slots(statement.results))


def _slots(results: Any) -> list[Value | None]:
    """Return the results of a statement in order, with None for those that nothing uses."""
    return [slot for item in results for slot in _slots(item)] if isinstance(results, tuple) else [results]


def _with_operands(term: Term, operands: Iterator[Ref | None]) -> Term:
    """Return a term with its values replaced in the order in which they are written."""
    return rebuild(inline(term), lambda leaf: next(operands) if isinstance(leaf, Ref) else None)


@dataclass
class _Loop:
    """A run of equal steps as a loop.

    Attributes:
        program: The program that holds the run.
        start: The first statement.
        period: The number of statements of a step.
        count: The number of steps.
        sequences: The statement, first number and direction of each sequence that the steps take items of, with the
            value that stands for an item.
        states: The place in the step before and the initial value of each state, with the value that stands for it.
        constants: Values that all steps use.
        collected: The places whose values are used in a list of all steps, with the value that stands for the list.
        rest: The statements after the run.
    """

    program: Program
    start: int
    period: int
    count: int
    sequences: dict[tuple[Statement, int, int], Value] = field(default_factory=dict)
    states: dict[tuple[_Place, Value], Value] = field(default_factory=dict)
    constants: dict[Value, Value] = field(default_factory=dict)
    collected: dict[_Place, Value] = field(default_factory=dict)
    rest: list[Statement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._name = self.program.statements[self.start].name
        self._step = self.program.statements[self.start : self.start + self.period]
        self._places: dict[Value, tuple[int, _Place]] = {}
        for index in range(self.period * self.count):
            turn, position = divmod(index, self.period)
            for number, value in enumerate(_slots(self.program.statements[self.start + index].results)):
                if value is not None:
                    self._places[value] = (turn, (position, number))
        self._parts = {
            value: _Part(statement, number)
            for statement in self.program.statements[: self.start]
            if isinstance(statement.results, tuple) and isinstance(statement.term, Call) and not owns(statement.term)
            for number, value in enumerate(statement.results)
            if isinstance(value, Value)
        }
        self._body: list[Statement] = []

    def is_found(self) -> bool:
        """Return whether every use of a value of the run has a place in a loop; find these places."""
        for position, statement in enumerate(self._step):
            turns = [
                values(inline(self.program.statements[self.start + turn * self.period + position].term))
                for turn in range(self.count)
            ]
            operands = [self._operand(uses) for uses in zip(*turns)]
            if None in operands:
                return False
            self._body.append(replace(statement, term=_with_operands(statement.term, iter(operands))))
        last = self.start + self.period * self.count
        self.rest = [replace(item, term=self._collect(item.term)) for item in self.program.statements[last:]]
        outside = {value for item in self.rest for value in values(item.term)} | set(self.program.outputs)
        final = {place for place, _ in self.states}
        return all(
            turn == self.count - 1 and place in final
            for turn, place in (self._places[value] for value in outside if value in self._places)
        )

    def _operand(self, uses: Sequence[Value]) -> Ref | None:
        """Return what stands in the loop for an operand that has these values in the steps; None for no loop."""
        first, places = uses[0], [self._places.get(value) for value in uses]
        if places[0] is not None:
            place = places[0][1]
            return Ref(first) if places == [(turn, place) for turn in range(self.count)] else None
        if places[1] is not None:
            place = places[1][1]
            if places[1:] != [(turn, place) for turn in range(self.count - 1)]:
                return None
            value = Value(f"{self._name}/state{len(self.states)}/{first.node}")
            return Ref(self.states.setdefault((place, first), value))
        if all(value == first for value in uses):
            return Ref(self.constants.setdefault(first, first))
        return self._item(uses)

    def _item(self, uses: Sequence[Value]) -> Ref | None:
        parts = [self._parts.get(value) for value in uses]
        first, second = parts[0], parts[1]
        if first is None or second is None or abs(second.number - first.number) != 1:
            return None
        step = second.number - first.number
        if any(part != _Part(first.statement, first.number + turn * step) for turn, part in enumerate(parts)):
            return None
        stem = next(iter(first.statement.operands), uses[0]).node.rpartition(".")[2]
        value = Value(f"{self._name}/item{len(self.sequences)}/{stem}")
        return Ref(self.sequences.setdefault((first.statement, first.number, step), value))

    def _collect(self, term: Term) -> Term:
        """Return a term after the run, with one value for each list of the values of all steps."""

        def collect(part: Term) -> Term | None:
            if not isinstance(part, ListOrTuple) or len(part.items) != self.count:
                return None
            places = [self._places.get(item.value) if isinstance(item, Ref) else None for item in part.items]
            if places[0] is None or places != [(turn, places[0][1]) for turn in range(self.count)]:
                return None
            value = Value(f"{self._name}/outputs{len(self.collected)}")
            return Ref(self.collected.setdefault(places[0][1], value))

        return rebuild(term, collect)

    def folded(self) -> Program:
        """Return the program with the loop."""
        sequences = [_taken(*key, self.count) for key in self.sequences]
        items = list(self.sequences.values())
        if not sequences:
            sequences, items = [Call(Name("range"), (Literal(self.count),))], [Value(f"{self._name}/step")]
        states = [Ref(first) for _, first in self.states]
        operands = (*sequences, *states, *map(Ref, self.constants))
        places = (*self.collected, *(place for place, _ in self.states))
        outputs = [value for value in (self._value(0, place) for place in places) if value is not None]
        inputs = (*items, *self.states.values(), *self.constants)
        counts = {"sequences": len(sequences), "states": len(states), "listed": 1}
        control = Control("foreach", operands, (Body(inputs, tuple(self._body), tuple(outputs)),), counts)
        used = {value for item in self.rest for value in values(item.term)} | set(self.program.outputs)
        final = [self._value(self.count - 1, place) for place, _ in self.states]
        results = (*self.collected.values(), *(value if value in used else None for value in final))
        loop = Statement(self._name, control, results, "foreach")
        used.update(values(control))
        before = self.program.statements[: self.start]
        used.update(value for item in before for value in item.operands)
        parts = {statement for statement, _, _ in self.sequences}
        kept = [item for item in before if item not in parts or used.intersection(item.values)]
        return replace(self.program, statements=(*kept, loop, *self.rest))

    def _value(self, turn: int, place: _Place) -> Value | None:
        position, number = place
        return _slots(self.program.statements[self.start + turn * self.period + position].results)[number]


def _taken(statement: Statement, first: int, step: int, count: int) -> Term:
    """Return the items of a statement's results from one on, in either direction."""
    if step == 1 and first == 0 and count == len(statement.results):
        return statement.term
    last = first + step * count
    stop = Literal(last) if last >= 0 else _NOTHING
    return Index(statement.term, (Slice(Literal(first), stop, Literal(step) if step < 0 else _NOTHING),))
