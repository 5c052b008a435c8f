"""Write statements that repeat step by step as a loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any, Mapping

from neutral.graph import Value
from neutral_to_torch.emission.expression.skeletons import Skeleton, map_leaves
from neutral_to_torch.emission.expression.terms import Body, Control, Index, Literal, Operation, Ref, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Program, Statement
from neutral_to_torch.emission.lowering.program_index import LIST_KINDS, ProgramIndex
from neutral_to_torch.emission.lowering.repeated_steps import Steps, find_steps, merged_results
from neutral_to_torch.emission.lowering.step_patterns import Carried, Fixed, Inner, Item, Operand
from neutral_to_torch.emission.lowering.step_results import StepResults, without


def loop_steps(program: Program) -> Program:
    """Write steps that repeat, such as those of attention along time, as loops.

    The term of a loop is a :class:`Control` of the kind ``steps``, which is the emitter's own. The inputs of its body
    are the counter, the states and the constants; its outputs are values that are collected in lists, then the next
    states. The results are these lists, then the last states. ``counts`` has the number of ``states`` and the
    counter's ``start``, ``stop`` and ``step``.

    Args:
        program: A lowered program.

    Returns:
        A program with the same inputs and outputs.
    """
    if not _may_repeat(program):
        return program
    known: dict[Statement, Skeleton | None] = {}
    budget = HEURISTICS.most_step_columns
    while budget > 0:
        looped, tried = _with_a_loop(ProgramIndex(program, known), budget)
        if looped is None:
            break
        program, budget = looped, budget - tried
    return program


def _with_a_loop(index: ProgramIndex, budget: int) -> tuple[Program | None, int]:
    """Return the program with one more loop, and how many columns were tried, those that end last first."""
    queue = [(-column[-1], -len(column), HEURISTICS.most_step_ends, column) for column in index.columns()]
    heapify(queue)
    for tried in range(1, budget + 1):
        if not queue:
            break
        *_, ends, column = heappop(queue)
        steps, count = find_steps(index, column)
        looped = None if steps is None else _Loop(index, steps).program()
        if looped is not None:
            return looped, tried
        shorter = column[: -max(1, count)]
        if ends > 1 and len(shorter) >= HEURISTICS.fewest_steps:
            heappush(queue, (-shorter[-1], -len(shorter), ends - 1, shorter))
    return None, budget


def _may_repeat(program: Program) -> bool:
    """Return whether several statements use the same weights, or parts of the same value."""
    uses: Counter[Any] = Counter()
    for statement in program.statements:
        uses.update(item for item in statement.declarations if item.tensors)
        if statement.kind in LIST_KINDS:
            uses[statement.operands] += len(statement.values)
        elif statement.kind == "slice":
            uses[statement.operands] += 1
    return max(uses.values(), default=0) >= HEURISTICS.fewest_steps


@dataclass(frozen=True)
class _Counter:
    """The counter of a loop: the position that grows first, from ``start`` by ``step``."""

    value: Value
    start: int
    step: int

    def term(self, first: int, growth: int) -> Term:
        """Return the position that is ``first`` in the first step and grows by ``growth``."""
        if not growth:
            return Literal(first)
        factor = growth // self.step
        offset = first - factor * self.start
        own: Term = Ref(self.value)
        if factor == -1:
            return Operation("-", (Literal(offset), own)) if offset else Operation("-", (own,))
        if factor != 1:
            own = Operation("*", (Literal(factor), own))
        return Operation("+" if offset > 0 else "-", (own, Literal(abs(offset)))) if offset else own


class _Loop:
    """One loop in the place of its steps.

    Args:
        index: The program.
        steps: The steps; their statements are removed.
    """

    def __init__(self, index: ProgramIndex, steps: Steps) -> None:
        self._index, self._steps = index, steps
        self._inside = {statement for step in steps.statements for statement in step}
        first = index.statements[steps.statements[0][0]].values[0]
        self._name = f"{first.node}:{first.output}/steps"
        self._counter = self._make_counter()
        self._states = {
            operand: Value(f"{self._name}/state", number)
            for number, operand in enumerate(dict.fromkeys(_carried(steps)))
        }
        self._constants: dict[Value, Value] = {}
        self._lists = self._make_lists()

    def program(self) -> Program | None:
        """Return the program with the loop.

        Returns:
            None where a statement between the steps uses one and is used by another, and where a loop would only
            compute what is then used step by step.
        """
        before, after = self._around()
        if before is None:
            return None
        index, outputs = self._index, self._index.program.outputs
        results = StepResults(index, self._steps, set(self._states))
        results.lists_of(after, outputs, self._name)
        rest = [results.rewritten(item) for k in after for item in self._unlisted(index.statements[k])]
        if not self._states and len(results.singles) > len(self._steps.statements) // 2:
            return None
        rest = [*results.aliases(self._kept), *rest]
        used = {value for statement in rest for value in statement.operands}.union(outputs)
        head = [item for k in before for item in self._unlisted(index.statements[k])]
        program = index.program
        return Program(program.inputs, (*head, self._loop(results, used), *rest), outputs, program.aliases)

    @cached_property
    def _kept(self) -> set[Value]:
        """The values that must be those of statements: the program's outputs, and operands of loops and branches."""
        statements = self._index.statements
        loops = (item for item in statements if isinstance(item.term, Control))
        return {*self._index.program.outputs, *(value for item in loops for value in item.operands)}

    def _around(self) -> tuple[list[int] | None, list[int]]:
        """Return the statements before the loop and those after it, by index; None where neither order works."""
        last = max(self._inside)
        before: list[int] = []
        after: list[int] = []
        depends: set[int] = set()
        for k, statement in enumerate(self._index.statements):
            makers = {self._index.maker.get(value) for value in statement.operands}
            is_after = not makers.isdisjoint(depends)
            if k in self._inside:
                if is_after:
                    return None, []
                continue
            if is_after or not makers.isdisjoint(self._inside):
                depends.add(k)
                after.append(k)
            else:
                (before if k < last else after).append(k)
        return before, after

    def _make_counter(self) -> _Counter:
        value = Value(f"{self._name}/t")
        pairs = zip(self._steps.positions, self._steps.growth)
        growing = [(first, by) for positions, growth in pairs for first, by in zip(positions, growth) if by]
        if not growing or any(by % growing[0][1] for _, by in growing):
            return _Counter(value, 0, 1)
        return _Counter(value, *growing[0])

    def _make_lists(self) -> dict[int, Value]:
        """Return the statements of lists of which each step takes another item, with the value of the whole list."""
        lists = {}
        for operands, growth in zip(self._steps.operands, self._steps.growth):
            items = [operand for operand in operands if isinstance(operand, Item)]
            for operand, by in zip(items, growth[len(growth) - len(items) :]):
                if by:
                    lists[operand.statement] = Value(self._index.statements[operand.statement].name, -2)
        return lists

    @cached_property
    def _items(self) -> Mapping[Value, Term]:
        """The items of these lists as terms."""
        return {
            value: Index(Ref(whole), (Literal(number),))
            for statement, whole in self._lists.items()
            for number, value in enumerate(self._index.statements[statement].results)
            if value is not None
        }

    def _unlisted(self, statement: Statement) -> list[Statement]:
        """Return a statement outside of the loop with items of lists in the place of their values."""
        made = self._index.maker.get(statement.values[0]) if statement.values else None
        if made in self._lists:
            wanted = [value for value in statement.values if value in self._kept]
            taken = [Statement(value.node, self._items[value], value) for value in wanted]
            return [replace(statement, results=self._lists[made]), *taken]
        if isinstance(statement.term, Control):
            return [statement]
        return [replace(statement, term=without(statement.term, self._items))]

    def _loop(self, results: StepResults, used: set[Value]) -> Statement:
        steps = self._steps
        order = sorted(range(len(steps.operands)), key=lambda place: steps.statements[-1][place])
        statements = tuple(self._statement(place) for place in order)
        collected = list(results.lists)
        outputs = [*map(self._inner, collected), *map(self._inner, self._states)]
        finals = [results.last(operand) for operand in self._states]
        initial = [without(Ref(steps.initial[operand]), self._items) for operand in self._states]
        inputs = (self._counter.value, *self._states.values(), *self._constants.values())
        stop = self._counter.start + self._counter.step * len(steps.statements)
        counts = {
            "states": len(self._states),
            "start": self._counter.start,
            "stop": stop,
            "step": self._counter.step,
        }
        constants = map(Ref, self._constants)
        body = Body(inputs, statements, tuple(outputs))
        lasting = tuple(value if value in used else None for value in finals)
        pattern = (*results.lists.values(), *lasting)
        return Statement(self._name, Control("steps", (*initial, *constants), (body,), counts), pattern)

    def _statement(self, place: int) -> Statement:
        """Return the statement at a place of the body."""
        index, steps = self._index, self._steps
        like = index.statements[steps.statements[-1][place]]
        own = index.skeleton(steps.statements[-1][place])
        numbers = list(zip(steps.positions[place], steps.growth[place]))
        items = iter(numbers[len(own.positions) if own is not None else 0 :])
        positions = iter(numbers)
        operands = iter(steps.operands[place])

        def value(old: Value) -> Term:
            operand = next(operands)
            if isinstance(operand, Item):
                return self._item(operand, old, *next(items))
            return Ref(self._inner(operand) if isinstance(operand, Inner) else self._outer(operand))

        term = map_leaves(like.term, value, lambda _: self._counter.term(*next(positions)))
        results = merged_results(index, steps, place)
        name = index.statements[steps.statements[0][place]].name
        return Statement(name, term, self._renamed(results, place), like.kind)

    def _item(self, operand: Item, old: Value, first: int, growth: int) -> Term:
        if operand.statement not in self._lists:
            return Ref(self._constant(old))
        return Index(Ref(self._constant(self._lists[operand.statement])), (self._counter.term(first, growth),))

    def _outer(self, operand: Operand) -> Value:
        if isinstance(operand, Carried):
            return self._states[operand]
        assert isinstance(operand, Fixed)
        return self._constant(operand.value)

    def _constant(self, value: Value) -> Value:
        return self._constants.setdefault(value, Value(f"{self._name}/constants/{value.node}", value.output))

    def _inner(self, operand: Inner | Carried) -> Value:
        """Return the value in the body of an output of the statement at a place."""
        first = self._index.statements[self._steps.statements[0][operand.place]]
        return Value(f"{self._name}/{first.name}", operand.output)

    def _renamed(self, results: Any, place: int) -> Any:
        if isinstance(results, tuple):
            return tuple(self._renamed(item, place) for item in results)
        return None if results is None else self._inner(Inner(place, results))


def _carried(steps: Steps) -> list[Carried]:
    return [operand for operands in steps.operands for operand in operands if isinstance(operand, Carried)]
