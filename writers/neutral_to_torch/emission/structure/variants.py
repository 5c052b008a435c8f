"""Parts that a block may lack: the same subgraph but for one value that another stands in for."""

from __future__ import annotations

from collections import Counter
from typing import Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import applied
from neutral_to_torch.emission.lowering.lower import Op
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, canonicalize, token
from neutral_to_torch.emission.structure.module_ir import owned

Replaced = tuple[Value, Value]
"""A value of the full subgraph, and the earlier value that stands in for it where the part is left out."""


class Reductions:
    """The smaller forms that a subgraph becomes when one part of it is left out."""

    def __init__(self, subgraph: CanonicalSubgraph) -> None:
        self.subgraph = subgraph
        self.members: Mapping[Value, Op] = {v: op for op in subgraph.ops for v in op.values}
        self._tokens = {id(op): token(op) for op in subgraph.ops}
        self._ancestors: dict[Value, list[Value]] = {}
        for op in subgraph.ops:
            above = list(dict.fromkeys(v for used in op.operands for v in (*self._ancestors.get(used, ()), used)))
            self._ancestors.update(dict.fromkeys(op.values, above))

    def to(self, other: CanonicalSubgraph) -> Replaced | None:
        """The replacement that makes this subgraph ``other``, or None."""
        if len(other.ops) >= len(self.subgraph.ops):
            return None
        wanted = Counter(map(token, other.ops))
        for replaced in self.candidates():
            left = self.remaining(dict([replaced]))
            if len(left) != len(other.ops) or Counter(self._tokens[id(op)] for op in left) != wanted:
                continue
            reduced = canonicalize(self.members, self.subgraph.output, dict([replaced]))
            if reduced.key == other.key and len(reduced.inputs) == len(self.subgraph.inputs):
                return replaced
        return None

    def candidates(self) -> Iterator[Replaced]:
        """Every replacement whose part can be written as an option."""
        for op in self.subgraph.ops:
            if isinstance(op.results, Value):
                for earlier in reversed(self._ancestors[op.results]):
                    if self.is_plain((op.results, earlier)):
                        yield op.results, earlier

    def remaining(self, instead: Mapping[Value, Value]) -> list[Op]:
        """The ops that are left."""
        stack = [self._at(self.subgraph.output, instead)]
        left: set[int] = set()
        while stack:
            op = self.members.get(stack.pop())
            if op is not None and id(op) not in left:
                left.add(id(op))
                stack += [self._at(value, instead) for value in op.operands]
        return [op for op in self.subgraph.ops if id(op) in left]

    def removed(self, replaced: Replaced) -> list[Op]:
        """The ops that are left out."""
        left = {id(op) for op in self.remaining(dict([replaced]))}
        return [op for op in self.subgraph.ops if id(op) not in left]

    def is_plain(self, replaced: Replaced) -> bool:
        """Whether what is left out is one expression that owns nothing, or a straight run of submodules."""
        removed = self.removed(replaced)
        if len(removed) == 1 and not owned(removed):
            return True
        return bool(removed) and removed[-1].results == replaced[0] and is_run(removed)

    @staticmethod
    def _at(value: Value, instead: Mapping[Value, Value]) -> Value:
        while value in instead:
            value = instead[value]
        return value


def is_run(ops: Sequence[Op]) -> bool:
    """Whether each op does nothing but apply a submodule to what the one before gives, the first to one value."""
    for before, op in zip((None, *ops), ops):
        used = op.operands
        if applied(op.term) is None or len(used) != 1 or not isinstance(op.results, Value):
            return False
        if before is not None and used[0] != before.results:
            return False
    return True
