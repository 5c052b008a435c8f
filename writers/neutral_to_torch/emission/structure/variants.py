"""Find optional sub-blocks: the bypass that turns one canonical subgraph into another."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Hashable, Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, canonicalize, token
from neutral_to_torch.emission.structure.module_ir import owned

Replaced = tuple[Value, Value]
"""A value of the full subgraph, and the earlier value that stands in for it where the part is left out."""


class Reductions:
    """The smaller subgraphs that remain when one part of a subgraph is bypassed."""

    def __init__(self, subgraph: CanonicalSubgraph) -> None:
        self.subgraph = subgraph
        self.members: Mapping[Value, Statement] = {
            v: statement for statement in subgraph.statements for v in statement.values
        }
        self._tokens = {id(statement): token(statement) for statement in subgraph.statements}
        self._ancestors: dict[Value, list[Value]] = {}
        for statement in subgraph.statements:
            above = list(
                dict.fromkeys(v for used in statement.operands for v in (*self._ancestors.get(used, ()), used))
            )
            self._ancestors.update(dict.fromkeys(statement.values, above))

    def to(self, other: CanonicalSubgraph) -> tuple[Replaced, ...] | None:
        """Return the one or two replacements that make this subgraph ``other``, or None.

        Args:
            other: A smaller subgraph.

        Returns:
            For each part the value that it computes and the earlier one that takes its place.
        """
        if len(other.statements) >= len(self.subgraph.statements):
            return None
        tokens, wanted = Counter(self._tokens.values()), Counter(map(token, other.statements))
        if wanted - tokens:
            return None
        surplus, count = tokens - wanted, len(self.subgraph.statements) - len(other.statements)
        parts = [(replaced, self.removed(replaced)) for replaced in self.candidates()]
        parts = [(replaced, removed) for replaced, removed in parts if not self._count(removed) - surplus]
        single = [(replaced,) for replaced, removed in parts if len(removed) == count]
        pairs = [
            (one, two)
            for (one, first), (two, second) in combinations(parts, 2)
            if len(first) + len(second) == count and one[0] != two[1] and one[1] != two[0]
        ]
        for replacements in (*single, *pairs):
            if self._makes(replacements, other):
                return replacements
        return None

    def _makes(self, parts: tuple[Replaced, ...], other: CanonicalSubgraph) -> bool:
        reduced = self.reduced(parts)
        return reduced.key == other.key and len(reduced.inputs) == len(self.subgraph.inputs)

    def _count(self, statements: Sequence[Statement]) -> Counter[Hashable]:
        return Counter(self._tokens[id(statement)] for statement in statements)

    def reduced(self, parts: Sequence[Replaced]) -> CanonicalSubgraph:
        """Return the subgraph that remains when parts are bypassed.

        Args:
            parts: The replacements.
        """
        return canonicalize(self.members, self.subgraph.output, dict(parts))

    def candidates(self) -> Iterator[Replaced]:
        """Return every replacement whose part can be written as an option."""
        for statement in self.subgraph.statements:
            if isinstance(statement.results, Value):
                for earlier in reversed(self._ancestors[statement.results]):
                    if self.is_plain((statement.results, earlier)):
                        yield statement.results, earlier

    def remaining(self, instead: Mapping[Value, Value]) -> list[Statement]:
        """Return the statements that are left.

        Args:
            instead: The earlier value by the value whose part is bypassed.

        Returns:
            Statements in the order of the subgraph.
        """
        stack = [at(self.subgraph.output, instead)]
        left: set[int] = set()
        while stack:
            statement = self.members.get(stack.pop())
            if statement is not None and id(statement) not in left:
                left.add(id(statement))
                stack += [at(value, instead) for value in statement.operands]
        return [statement for statement in self.subgraph.statements if id(statement) in left]

    def removed(self, replaced: Replaced) -> list[Statement]:
        """Return the statements that are left out.

        Args:
            replaced: The bypass.

        Returns:
            Statements in the order of the subgraph.
        """
        left = {id(statement) for statement in self.remaining(dict([replaced]))}
        return [statement for statement in self.subgraph.statements if id(statement) not in left]

    def is_plain(self, replaced: Replaced) -> bool:
        """Return whether the removed part is one expression without submodules, or a linear chain of submodules.

        Args:
            replaced: The bypass.

        Returns:
            True if a flag of the class can leave the part out.
        """
        removed = self.removed(replaced)
        if len(removed) == 1 and not owned(removed):
            return True
        return bool(removed) and removed[-1].results == replaced[0] and is_run(removed)


def at(value: Value, instead: Mapping[Value, Value]) -> Value:
    """Return the value that stands in for a value.

    Args:
        value: A value of a subgraph.
        instead: The earlier value by the value whose part is bypassed.
    """
    while value in instead:
        value = instead[value]
    return value


def is_run(statements: Sequence[Statement]) -> bool:
    """Return whether each statement only applies a submodule to the value of the one before, the first to one value.

    Args:
        statements: Consecutive statements of one ``forward``.
    """
    for before, statement in zip((None, *statements), statements):
        used = statement.operands
        if applied(statement.term) is None or len(used) != 1 or not isinstance(statement.results, Value):
            return False
        if before is not None and used[0] != before.results:
            return False
    return True
