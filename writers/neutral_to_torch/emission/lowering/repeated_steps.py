"""Find statements that repeat step by step, each with the weights of the step before and values that it computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program_index import ProgramIndex
from neutral_to_torch.emission.lowering.step_patterns import Carried, Fixed, Item, Operand, Pattern, Step


@dataclass(frozen=True)
class Steps:
    """Steps that differ in nothing but the positions in indices and lists, which grow evenly.

    Attributes:
        operands: For each place of a step the operands of its statement, in the order of its skeleton.
        statements: For each step the index of the statement at each place.
        initial: The value of each carried operand before the first step.
        positions: For each place the positions in the first step: those of the skeleton, then those of its items.
        growth: For each of these by how much it grows from step to step.
    """

    operands: tuple[tuple[Operand, ...], ...]
    statements: tuple[tuple[int, ...], ...]
    initial: Mapping[Carried, Value]
    positions: tuple[tuple[int, ...], ...]
    growth: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """The number of statements in all steps."""
        return len(self.statements) * len(self.operands)

    @property
    def grows(self) -> bool:
        """Whether a position differs between steps."""
        return any(map(any, self.growth))


def find_steps(index: ProgramIndex, column: Sequence[int]) -> tuple[Steps | None, int]:
    """Return the steps that end with the last statements of a column.

    Args:
        index: The program.
        column: Indices of equal statements, in order.

    Returns:
        The steps, None where there are too few or a loop would be useless; and how many repeat exactly.
    """
    found, count = _steps_of(index, [column])
    more = [] if found is None else index.following(column)
    if found is not None and more:
        larger, _ = _steps_of(index, [column, *more])
        found = larger if larger is not None and larger.size >= found.size else found
    return found, count


def _steps_of(index: ProgramIndex, columns: Sequence[Sequence[int]]) -> tuple[Steps | None, int]:
    """Do as :func:`find_steps` for several columns, with a statement of each in every step."""
    count = min(map(len, columns))
    rows = list(zip(*(column[-count:] for column in columns)))
    pattern = Pattern.of(index, rows[-1], rows[-2])
    steps = [] if pattern is None else list(_matching_steps(pattern, rows))[::-1]
    matching = len(steps)
    while steps and not steps[0].is_consistent:
        steps.pop(0)
    return (None if pattern is None else _checked(index, pattern, steps)), matching


def _checked(index: ProgramIndex, pattern: Pattern, steps: Sequence[Step]) -> Steps | None:
    """Return steps of a pattern, None where there are too few or a loop would be wrong or useless."""
    if len(steps) < HEURISTICS.fewest_steps:
        return None
    first, second = steps[0], steps[1]
    growth = tuple(tuple(b - a for a, b in zip(one, other)) for one, other in zip(first.positions, second.positions))
    found = Steps(
        pattern.operands,
        tuple(step.statements for step in steps),
        dict(first.carried),
        first.positions,
        growth,
    )
    return found if found.size >= HEURISTICS.fewest_step_statements and _is_repetition(index, found) else None


def _is_repetition(index: ProgramIndex, steps: Steps) -> bool:
    """Return whether steps share weights or take the items of a sequence, and none is as the one before."""
    inside = {statement for step in steps.statements for statement in step}
    for operand in (operand for operands in steps.operands for operand in operands):
        made = index.maker.get(operand.value) if isinstance(operand, Fixed) else None
        if made in inside or (isinstance(operand, Item) and operand.statement in inside):
            return False
    if any(index.maker.get(value) in inside for value in steps.initial.values()):
        return False
    if any(merged_results(index, steps, place) is None for place in range(len(steps.operands))):
        return False
    last = [index.statements[k] for k in steps.statements[-1]]
    shares = any(item.tensors for statement in last for item in statement.declarations)
    return steps.grows or (shares and bool(steps.initial))


def merged_results(index: ProgramIndex, steps: Steps, place: int) -> Any:
    """Return the pattern of all results that the statements at a place give, as numbers of outputs.

    Args:
        index: The program.
        steps: The steps.
        place: The place in each step.

    Returns:
        A number, or a nested tuple of numbers and None; None where an output is not at the same position in all steps.
    """
    patterns = [index.statements[step[place]].results for step in steps.statements]
    merged = _merged(patterns)
    if merged is None:
        return None
    places = dict(_placed(merged))
    same = all(places.get(path) == output for pattern in patterns for path, output in _placed(_merged([pattern])))
    return merged if same and len(set(places.values())) == len(places) else None


def _merged(patterns: Sequence[Any]) -> Any:
    """Return the first number at each position of equally nested patterns of values."""
    given = [pattern for pattern in patterns if pattern is not None]
    if any(isinstance(pattern, tuple) for pattern in given):
        rows = [pattern for pattern in given if isinstance(pattern, tuple)]
        return tuple(_merged(items) for items in zip(*rows)) if len(rows) == len(given) else None
    return given[0].output if given else None


def _placed(pattern: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield the position of each number in a nested pattern, and the number."""
    if isinstance(pattern, tuple):
        for position, item in enumerate(pattern):
            yield from _placed(item, (*path, position))
    elif pattern is not None:
        yield path, pattern


def _matching_steps(pattern: Pattern, rows: Sequence[Sequence[int]]) -> Iterator[Step]:
    """Yield the steps that end with rows of statements and repeat, from the last backwards."""
    after: Step | None = None
    growth: Any = None
    used: set[int] = set()
    for row in reversed(rows):
        step = pattern.step(row)
        if step is None or not used.isdisjoint(step.statements):
            return
        if after is not None:
            change = [[b - a for a, b in zip(*rows)] for rows in zip(step.positions, after.positions)]
            if (growth is not None and change != growth) or not pattern.follows(step, after):
                return
            growth = change
        used.update(step.statements)
        yield step
        after = step
