"""The pattern of a step that repeats: the skeletons of its statements, and where their operands come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, NamedTuple, Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emission.lowering.program_index import ProgramIndex


class Inner(NamedTuple):
    """An operand that the same step computes: an output of the statement at a place of the step."""

    place: int
    output: int


class Carried(NamedTuple):
    """An operand that the step before computes: an output of the statement at a place of that step."""

    place: int
    output: int


class Fixed(NamedTuple):
    """An operand that is equal in all steps."""

    value: Value


class Item(NamedTuple):
    """An operand that is an item of a list, whose statement is named by its index."""

    statement: int


Operand = Union[Inner, Carried, Fixed, Item]


@dataclass(frozen=True)
class Step:
    """One step: its statements by place, its positions, and its carried operands with their values."""

    statements: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]
    carried: tuple[tuple[Carried, Value], ...]

    @property
    def is_consistent(self) -> bool:
        """Whether equal carried operands have equal values."""
        return len({operand for operand, _ in self.carried}) == len(set(self.carried))


class Pattern:
    """What all steps have in common: the skeletons of their statements, and where their operands come from.

    Args:
        index: The program.
        places: The statements of the last step; their order is that of the places in every step.
        operands: For each place the operands of its statement.

    Attributes:
        operands: The same.
    """

    def __init__(self, index: ProgramIndex, places: Sequence[int], operands: Sequence[tuple[Operand, ...]]) -> None:
        self._index = index
        self._places = places
        self.operands = tuple(operands)

    @staticmethod
    def of(index: ProgramIndex, last: Sequence[int], before: Sequence[int]) -> Pattern | None:
        """Return the pattern of what the last statements of a step depend on and those of the step before do not.

        Args:
            index: The program.
            last: The last statements of the last step.
            before: Those of the step before.

        Returns:
            The pattern; None where a statement has a loop or branch, and where the skeletons of the two steps differ.
        """
        earlier = set().union(*map(index.ancestors, before))
        places, numbers = list(last), {statement: place for place, statement in enumerate(last)}
        operands: list[tuple[Operand, ...]] = []
        for statement in places:
            own = index.skeleton(statement)
            if own is None:
                return None
            row: list[Operand] = []
            for value in own.values:
                maker = index.maker.get(value)
                if maker is None or maker in earlier:
                    row.append(Fixed(value))
                    continue
                if maker not in numbers:
                    numbers[maker] = len(places)
                    places.append(maker)
                row.append(Inner(numbers[maker], value.output))
            operands.append(tuple(row))
        pattern = Pattern(index, places, operands)
        statements = pattern._statements(before)
        return None if statements is None else pattern._resolved(statements)

    def _resolved(self, before: Sequence[int]) -> Pattern:
        """Return the pattern with operands that the step before computes, and with items of lists."""
        numbers = {statement: place for place, statement in enumerate(before)}

        def resolved(operand: Operand) -> Operand:
            maker = self._index.maker.get(operand.value) if isinstance(operand, Fixed) else None
            if maker is None or not isinstance(operand, Fixed):
                return operand
            if maker in numbers:
                return Carried(numbers[maker], operand.value.output)
            return Item(maker) if self._index.is_list(maker) else operand

        return Pattern(self._index, self._places, [tuple(map(resolved, row)) for row in self.operands])

    def _statements(self, last: Sequence[int]) -> tuple[int, ...] | None:
        """Return the statements of the step that ends with some, by place; None where the skeletons differ."""
        found: list[int | None] = [*last, *[None] * (len(self._places) - len(last))]
        for place, like in enumerate(self._places):
            current = found[place]
            if current is None or not self._is_like(current, like):
                return None
            for operand, value in zip(self.operands[place], self._values(current)):
                if isinstance(operand, Inner):
                    maker = self._index.maker.get(value)
                    known = found[operand.place]
                    if maker is None or value.output != operand.output or known not in (None, maker):
                        return None
                    found[operand.place] = maker
        statements = tuple(item for item in found if item is not None)
        return statements if len(set(statements)) == len(self._places) else None

    def _is_like(self, statement: int, other: int) -> bool:
        own, like = self._index.skeleton(statement), self._index.skeleton(other)
        return own is not None and like is not None and own.label == like.label

    def _values(self, statement: int) -> Iterable[Value]:
        own = self._index.skeleton(statement)
        return () if own is None else own.values

    def step(self, last: Sequence[int]) -> Step | None:
        """Return the step that ends with some statements.

        Args:
            last: The last statements of a step.

        Returns:
            The step; None where it differs from the pattern.
        """
        statements = self._statements(last)
        if statements is None:
            return None
        positions = []
        carried: list[tuple[Carried, Value]] = []
        for current, operands in zip(statements, self.operands):
            own = self._index.skeleton(current)
            row = list(own.positions) if own is not None else []
            for operand, value in zip(operands, self._values(current)):
                if isinstance(operand, Fixed) and operand.value != value:
                    return None
                if isinstance(operand, Item):
                    if self._index.maker.get(value) != operand.statement:
                        return None
                    row.append(self._index.item_numbers[value])
                if isinstance(operand, Carried):
                    carried.append((operand, value))
            positions.append(tuple(row))
        return Step(statements, tuple(positions), tuple(carried))

    def follows(self, before: Step, step: Step) -> bool:
        """Return whether a step takes its carried operands from another one.

        Args:
            before: The other step.
            step: The step.
        """
        return all(
            self._index.maker.get(value) == before.statements[operand.place] and value.output == operand.output
            for operand, value in step.carried
        )
