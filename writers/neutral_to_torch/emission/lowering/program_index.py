"""The statements of a program by their skeletons, and their definitions and uses."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.skeletons import Skeleton, skeleton
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Program, Statement

LIST_KINDS = frozenset(("unbind", "split", "uneven_split", "split_at", "hsplit"))
"""Kinds whose results torch gives as a list of tensors."""


class ProgramIndex:
    """The statements of a program with their skeletons, and the statement that makes each value.

    Args:
        program: A lowered program.
        known: The skeletons of statements that were taken apart before; those of the program are added.
    """

    def __init__(self, program: Program, known: dict[Statement, Skeleton | None]) -> None:
        self.program = program
        self.statements = program.statements
        self.maker = {value: k for k, statement in enumerate(self.statements) for value in statement.values}
        self.users: dict[Value, list[int]] = {}
        for k, statement in enumerate(self.statements):
            for value in statement.operands:
                self.users.setdefault(value, []).append(k)
        self._known = known

    def skeleton(self, statement: int) -> Skeleton | None:
        """Return the skeleton of a statement, None where it has a loop or branch.

        Args:
            statement: Its index.
        """
        item = self.statements[statement]
        if item not in self._known:
            self._known[item] = skeleton(item.term)
        return self._known[item]

    def is_list(self, statement: int) -> bool:
        """Return whether a statement unpacks a list of tensors.

        Args:
            statement: Its index.
        """
        item = self.statements[statement]
        return item.kind in LIST_KINDS and isinstance(item.results, tuple)

    @cached_property
    def item_numbers(self) -> dict[Value, int]:
        """The position of each item of a list in it."""
        lists = [self.statements[k].results for k in range(len(self.statements)) if self.is_list(k)]
        return {value: number for results in lists for number, value in enumerate(results) if value is not None}

    def ancestors(self, statement: int) -> set[int]:
        """Return a statement and all that it depends on.

        Args:
            statement: Its index.
        """
        found, stack = {statement}, [statement]
        while stack:
            for value in self.statements[stack.pop()].operands:
                maker = self.maker.get(value)
                if maker is not None and maker not in found:
                    found.add(maker)
                    stack.append(maker)
        return found

    @cached_property
    def equal_statements(self) -> dict[str, tuple[int, ...]]:
        """The statements with equal skeletons, in order, by the label of the skeleton."""
        columns: dict[str, list[int]] = {}
        for k, statement in enumerate(self.statements):
            own = self.skeleton(k) if statement.kind else None
            if own is not None:
                columns.setdefault(own.label, []).append(k)
        return {label: tuple(column) for label, column in columns.items()}

    def columns(self) -> list[tuple[int, ...]]:
        """Return the columns of equal statements, and their parts whose operands have equal makers.

        Returns:
            Columns that are long enough to become a loop.
        """
        result: dict[tuple[int, ...], None] = {}
        for column in self.equal_statements.values():
            if len(column) >= HEURISTICS.fewest_steps:
                parts: dict[Any, list[int]] = {}
                for k in column:
                    parts.setdefault(self._makers_of_operands(k), []).append(k)
                result.update(dict.fromkeys((column, *map(tuple, parts.values()))))
        return [column for column in result if len(column) >= HEURISTICS.fewest_steps]

    def following(self, column: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the columns whose last statements compute more from what the last of a column depends on.

        Args:
            column: Indices of equal statements.
        """
        found: dict[tuple[int, ...], None] = {}
        inside = self.ancestors(column[-1]) - self.ancestors(column[-2])
        stack = sorted(inside)
        while stack:
            for value in self.statements[stack.pop()].values:
                for user in self.users.get(value, ()):
                    own = self.skeleton(user)
                    other = () if own is None else self.equal_statements.get(own.label, ())
                    if user not in inside and len(other) >= HEURISTICS.fewest_steps and other[-1] == user:
                        found[other] = None
                        inside.add(user)
                        stack.append(user)
        return list(found)

    def _makers_of_operands(self, statement: int) -> tuple[str | None, ...]:
        own = self.skeleton(statement)
        makers = [self.maker.get(value) for value in own.values] if own is not None else []
        skeletons = [None if maker is None else self.skeleton(maker) for maker in makers]
        return tuple(None if item is None else item.label for item in skeletons)
