"""Choose the members of a block: those that force no arguments on it by themselves."""

from __future__ import annotations

from typing import Any, Collection, Sequence

from neutral_to_torch.emission.structure.block_facts import CONVOLUTIONS
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, leaves
from neutral_to_torch.emission.structure.member import Member
from neutral_to_torch.emission.structure.variables import CHANNEL_ARGUMENTS, Table, is_half, same, tabulate, vary


def keep_typical(template: CanonicalSubgraph, members: Sequence[Member]) -> list[int]:
    """Return the indices of the members to keep: those that do not by themselves force arguments on the class.

    A linear member that is alone in two numbers beside channels, or in one beside stride too where the block has a
    merge that it lacks, is another part of the model with the same layers, such as a stem. The first member stays.

    Args:
        template: The subgraph that the class is written from.
        members: The instances.
    """
    table = tabulate(template, members)
    kept = list(range(len(members)))
    for number in reversed(range(1, len(members))):
        rest = [k for k in kept if k != number]
        if len(rest) < 2 or not members[number].is_linear:
            continue
        extra = _settings(table, kept) - _settings(table, rest)
        strides = sum(hint == "stride" for hint in extra.values())
        if len(extra) > 1 or (len(extra) > strides and not members[0].is_linear):
            kept = rest
    return kept


def is_typical(candidate: CanonicalSubgraph, reduced: CanonicalSubgraph, members: Sequence[Member]) -> bool:
    """Return whether a chain's numbers, beside channels and stride, are among those of a block's members.

    Args:
        candidate: The chain.
        reduced: The first member without its optional parts, which has the statements of the chain.
        members: Members of the block; the first lacks no part.
    """
    order = {id(statement): position for position, statement in enumerate(members[0].statements)}
    for statement, row in zip(reduced.statements, leaves(candidate.statements)):
        position = order[id(statement)]
        present = [item for member in members if (item := member.statements[position]) is not None]
        columns = [leaves([item])[0] for item in present]
        for k, leaf in enumerate(row):
            if leaf.hint in ("stride", "groups") or leaf.hint in CHANNEL_ARGUMENTS:
                continue
            if not any(same(leaf.value, column[k].value) for column in columns):
                return False
    return True


def mixes_pointwise(
    reduced: CanonicalSubgraph, regions: Sequence[CanonicalSubgraph], others: Sequence[CanonicalSubgraph]
) -> bool:
    """Return whether regions would share a layer that is a 1x1 convolution in all of some and in none of the others.

    Args:
        reduced: The first region without its optional parts, which has the statements of the others.
        regions: Regions that lack no part.
        others: Regions that lack the optional parts.
    """
    order = {id(statement): position for position, statement in enumerate(regions[0].statements)}
    columns = [leaves(region.statements) for region in regions]
    other_columns = [leaves(other.statements) for other in others]
    for place, statement in enumerate(reduced.statements):
        if statement.kind in CONVOLUTIONS:
            position = order[id(statement)]
            for k, leaf in enumerate(other_columns[0][place]):
                if leaf.hint == "kernel_size":
                    pointwise = {_is_one(column[position][k].value) for column in columns}
                    if pointwise.isdisjoint(_is_one(column[place][k].value) for column in other_columns):
                        return True
    return False


def _is_one(kernel: Any) -> bool:
    return set(kernel) == {1} if isinstance(kernel, tuple) else bool(kernel == 1)


class _Settings(dict):  # type: ignore[type-arg]
    def __sub__(self, other: Collection[Any]) -> _Settings:
        return _Settings({place: hint for place, hint in self.items() if place not in other})


def _settings(table: Table, kept: Sequence[int]) -> _Settings:
    """Return the arguments beside channels of a class with only some of the members, by where they come first."""
    columns = {place: (leaf, [column[k] for k in kept]) for place, (leaf, column) in table.items()}
    settings = [v for v in vary(columns) if not v.is_channels]
    kernels = [v for v in settings if "kernel_size" in v.hints]
    halves = [v for v in settings if set(v.hints) == {"padding"} and any(is_half(v.vector, k.vector) for k in kernels)]
    return _Settings({min(v.places): v.hints[0] for v in settings if v not in halves})
