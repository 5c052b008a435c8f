"""Regions of a dataflow with one exit: from where a value is split to where its branches meet again."""

from __future__ import annotations

from itertools import islice
from typing import Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement


class StatementGraph:
    """Definitions, users and dominators of the values of a list of statements."""

    def __init__(self, statements: Sequence[Statement], outputs: Sequence[Value]) -> None:
        self.statements = list(statements)
        self.outputs = set(outputs)
        self.operands = [list(statement.operands) for statement in self.statements]
        self.maker: dict[Value, int] = {v: k for k, statement in enumerate(self.statements) for v in statement.values}
        self.users: dict[Value, list[int]] = {}
        for k, used in enumerate(self.operands):
            for value in used:
                self.users.setdefault(value, []).append(k)

        self.constant: list[bool] = []
        for used in self.operands:
            makers = [self.maker.get(value, -1) for value in used]
            self.constant.append(all(maker >= 0 and self.constant[maker] for maker in makers))

    def only_user(self, value: Value) -> int | None:
        """Return the statement that alone uses the value, or None.

        Args:
            value: A value of the graph.

        Returns:
            The index of the statement; None also for a value that is an output.
        """
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self.outputs else None

    def dominators(self) -> list[Value | None]:
        """Return for each statement its nearest dominator, a value on every path to it; None where there is none."""
        root = Value("", -1)
        parent: dict[Value, Value] = {}
        depth: dict[Value, int] = {root: -1}
        dominators: list[Value | None] = []
        for statement, used in zip(self.statements, self.operands):
            sources = [value for value in used if value not in self.maker or not self.constant[self.maker[value]]]
            for value in sources:
                if value not in depth:
                    parent[value], depth[value] = root, 0
            nearest = sources[0] if sources else root
            for other in sources[1:]:
                while nearest != other:
                    if depth[nearest] >= depth[other]:
                        nearest = parent[nearest]
                    else:
                        other = parent[other]
            dominators.append(None if nearest == root else nearest)
            for value in statement.values:
                parent[value], depth[value] = nearest, depth[nearest] + 1
        return dominators

    def between(self, entry: Value, last: int) -> set[int] | None:
        """Return the statements from ``entry`` to ``last``, or None where they are too many or one is used outside.

        Constants, which no input reaches, belong to the region that alone uses them.

        Args:
            entry: The one value that enters the region.
            last: The number of the region's last statement.
        """
        start = self.maker.get(entry, -1)
        inside = {last}
        stack = [last]
        edges = 0
        while stack:
            used = self.operands[stack.pop()]
            edges += len(used)
            if edges > HEURISTICS.most_region_operands:
                return None
            for value in used:
                maker = self.maker.get(value, -1)
                if value == entry or maker in inside:
                    continue
                if maker >= 0 and (maker > start or self.constant[maker]):
                    inside.add(maker)
                    stack.append(maker)
                    if len(inside) > HEURISTICS.largest_region:
                        return None
        inside = self._reached(entry, inside, last)
        for k in inside - {last}:
            for value in self.statements[k].values:
                if value in self.outputs or any(user not in inside for user in self.users.get(value, ())):
                    return None
        return inside

    def _reached(self, entry: Value, inside: set[int], last: int) -> set[int]:
        """Return the statements of ``inside`` that ``entry`` reaches, and the constants that only those use."""
        reached: set[int] = set()
        for k in sorted(inside):
            if any(value == entry or self.maker.get(value, -1) in reached for value in self.operands[k]):
                reached.add(k)
        for k in sorted(inside - reached, reverse=True):
            if self.constant[k] and all(u in reached for v in self.statements[k].values for u in self.users.get(v, ())):
                reached.add(k)
        return reached

    def regions(self) -> Iterator[tuple[set[int], int]]:
        """Return every region that ends where branches meet, from its nearest entry: its statements, and the last."""
        dominators = self.dominators()
        for last, used in enumerate(self.operands):
            if len(used) < 2 or not isinstance(self.statements[last].results, Value):
                continue
            nearest = dominators[last]
            entries = [] if nearest is None else [nearest]
            entries += [value for value in used if value not in self.maker]
            entries += used
            for entry in islice(dict.fromkeys(entries), HEURISTICS.most_entries):
                inside = self.between(entry, last)
                if inside is not None and len(inside) > 1 and last in inside:
                    yield inside, last
                    break


def members_of(graph: StatementGraph, inside: set[int]) -> Mapping[Value, Statement]:
    """Return the statement of each value that a set of statements makes.

    Args:
        graph: The graph of statements.
        inside: Indices of statements.

    Returns:
        The statement by value; one with several results has several entries.
    """
    return {value: graph.statements[k] for k in inside for value in graph.statements[k].values}
