"""Regions that may become instances of classes, and groups of those that one class can express."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, canonicalize
from neutral_to_torch.emission.structure.class_names import architecture_of
from neutral_to_torch.emission.structure.member import Member
from neutral_to_torch.emission.structure.module_ir import owned
from neutral_to_torch.emission.structure.regions import StatementGraph, members_of
from neutral_to_torch.emission.structure.variants import Reductions, Replaced


@dataclass(eq=False)
class Region:
    """A part of the graph that may become an instance of a class.

    Attributes:
        inside: Indices of its statements.
        last: The index of the statement that computes its result.
        subgraph: The part in canonical order.
    """

    inside: set[int]
    last: int
    subgraph: CanonicalSubgraph


@dataclass(eq=False)
class Group:
    """Regions of one subgraph, and groups whose subgraph it becomes when one or two parts are left out."""

    regions: list[Region]
    variants: list[tuple[tuple[Replaced, ...], Group]]

    @property
    def all_regions(self) -> list[Region]:
        """The regions, and those that lack parts."""
        return self.regions + [region for _, group in self.variants for region in group.regions]

    def separate(self) -> list[Group]:
        """Return the regions, and those of each variant, as groups of their own."""
        return [Group(self.regions, []), *(group for _, group in self.variants)]

    def variant(self, parts: tuple[Replaced, ...]) -> Group:
        """Return the regions that lack parts, to which more may be added.

        Args:
            parts: The replacements that leave the parts out.
        """
        for known_parts, variant in self.variants:
            if known_parts == parts:
                return variant
        self.variants.append((parts, Group([], [])))
        return self.variants[-1][1]


class Candidates:
    """Regions of a graph of statements that may become instances of classes.

    Args:
        graph: The graph of statements.
        shared: How many statements use each declaration.
    """

    def __init__(self, graph: StatementGraph, shared: Mapping[object, int]) -> None:
        self.graph = graph
        self._shared = shared

    def is_shared(self, statement: Statement) -> bool:
        """Return whether another statement uses a submodule or parameter of a statement.

        Args:
            statement: A statement.
        """
        return any(self._shared.get(item, 0) > 1 for item in owned([statement]))

    def region(self, inside: set[int], last: int) -> Region | None:
        """Return statements as a region, or None where they cannot be a class.

        Args:
            inside: Indices of the statements.
            last: The index of the statement that computes the result.
        """
        statements = self.graph.statements
        result = statements[last].results
        if not isinstance(result, Value) or any(self.is_shared(statements[k]) for k in inside):
            return None
        subgraph = canonicalize(members_of(self.graph, inside), result)
        return Region(inside, last, subgraph) if len(subgraph.statements) == len(inside) else None

    def regions(self) -> list[Region]:
        """Return every region with one entry and one result."""
        regions = [self.region(inside, last) for inside, last in self.graph.regions()]
        return [region for region in regions if region is not None]


def aligned(
    template: CanonicalSubgraph, reduced: CanonicalSubgraph, other: CanonicalSubgraph, lacks: frozenset[int]
) -> Member:
    """Return a region of the reduced subgraph, its statements at their positions in the template.

    Args:
        template: The subgraph of a region that lacks no part.
        reduced: The template without the optional parts that the region lacks.
        other: The subgraph of the region.
        lacks: Indices of the options that the region lacks.

    Returns:
        The member, with None for each statement that it lacks.
    """
    own = {id(statement): present for statement, present in zip(reduced.statements, other.statements)}
    inputs = dict(zip(reduced.inputs, other.inputs))
    return Member(
        [own.get(id(statement)) for statement in template.statements],
        tuple(inputs[value] for value in template.inputs),
        other.output,
        lacks,
    )


def aligned_members(group: Group) -> list[Member]:
    """Return the regions of a group, aligned with those that lack no part.

    Args:
        group: The regions of one class.
    """
    template = group.regions[0].subgraph
    reductions = Reductions(template)
    members = [Member(list(r.subgraph.statements), r.subgraph.inputs, r.subgraph.output) for r in group.regions]
    for parts, variant in group.variants:
        reduced = reductions.reduced(parts)
        members += [aligned(template, reduced, region.subgraph, frozenset()) for region in variant.regions]
    return members


def is_part(group: Group, groups: Sequence[Group]) -> bool:
    """Return whether every region is a nameless part of a larger one, each of another, and so needs no class.

    Args:
        group: The regions of one class.
        groups: All groups of the model.
    """
    if architecture_of(region.subgraph for region in group.regions) is not None:
        return False
    for other in groups:
        if other is group or len(other.all_regions) != len(group.all_regions):
            continue
        outer = [[r for r in other.all_regions if r.inside > inner.inside] for inner in group.all_regions]
        if all(len(regions) == 1 for regions in outer):
            return True
    return False


def holds_another(region: Region, ends: Mapping[int, Region]) -> bool:
    """Return whether another region that is to be folded lies inside.

    Args:
        region: A region.
        ends: The regions that are to be folded, by their last statement.
    """
    return any(k in ends and ends[k].inside < region.inside for k in region.inside if k != region.last)


def is_nested(group: Group, other: Group) -> bool:
    """Return whether a region of the first group lies inside a region of the other.

    Args:
        group: A group.
        other: Another one.
    """
    return any(r.inside > o.inside for r in group.regions for o in other.regions)
