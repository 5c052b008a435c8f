"""Find regions that one class can express: equal ones, and those that differ in optional parts or activations."""

from __future__ import annotations

from typing import Hashable, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import ModuleOrFunction
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.structure.candidates import Candidates, Group, Region, is_nested
from neutral_to_torch.emission.structure.canonical_subgraph import canonicalize, token
from neutral_to_torch.emission.structure.optional_chains import add_linear_chains
from neutral_to_torch.emission.structure.statement_facts import applies_weights, holds_tensors
from neutral_to_torch.emission.structure.typical import mixes_pointwise
from neutral_to_torch.emission.structure.variants import Reductions, Replaced


class RegionGroups:
    """Groups of regions that one class can express.

    Args:
        candidates: The regions of a graph of statements.
    """

    def __init__(self, candidates: Candidates) -> None:
        self._candidates, self._graph = candidates, candidates.graph

    def all(self) -> list[Group]:
        """Return the groups of at least two regions each, largest first; those that differ in parts are one."""
        by_key: dict[Hashable, Group] = {}
        for region in self._candidates.regions():
            if holds_tensors(self._graph, region.inside):
                by_key.setdefault(region.subgraph.key, Group([], [])).regions.append(region)
        groups = sorted(by_key.values(), key=lambda g: -len(g.regions[0].subgraph.statements))
        kept: list[Group] = []
        merged: set[int] = set()
        for position, group in enumerate(groups):
            for other in groups[position + 1 :]:
                if id(group) in merged or id(other) in merged or is_nested(group, other):
                    continue
                for superset, subset in ((group, other), (other, group)):
                    parts = None if subset.variants else self._variant_of(superset, subset)
                    if parts is not None:
                        superset.variants.append((parts, subset))
                        merged.add(id(subset))
                        break
        kept += [group for group in groups if id(group) not in merged]
        for group in kept:
            while self.grow(group):
                pass
        add_linear_chains(self._candidates, kept)
        return [
            g
            for g in _merged_by_activation(kept)
            if len(g.all_regions) > 1 and len(g.regions[0].subgraph.statements) >= HEURISTICS.smallest_block
        ]

    def _variant_of(self, group: Group, other: Group) -> tuple[Replaced, ...] | None:
        """Return the bypasses that turn ``group`` into ``other``, with its regions extended forwards if needed."""
        regions = group.regions
        for _ in range(HEURISTICS.most_leading):
            reductions = Reductions(regions[0].subgraph)
            parts = reductions.to(other.regions[0].subgraph)
            if parts is not None:
                subgraphs = [[region.subgraph for region in side] for side in (regions, other.regions)]
                if mixes_pointwise(reductions.reduced(parts), *subgraphs):
                    return None
                group.regions = regions
                return parts
            longer = [self._with_leading(region) for region in regions]
            if None in longer or len({r.subgraph.key for r in longer if r is not None}) != 1:
                return None
            regions = [region for region in longer if region is not None]
        return None

    def _with_leading(self, region: Region) -> Region | None:
        graph = self._graph
        for value in region.subgraph.inputs:
            maker = graph.maker.get(value)
            inside_only = all(user in region.inside for user in graph.users.get(value, ()))
            if maker is None or not inside_only or value in graph.outputs or len(graph.operands[maker]) != 1:
                continue
            if not applies_weights(graph.statements[maker]) and isinstance(graph.statements[maker].results, Value):
                return self._candidates.region(region.inside | {maker}, region.last)
        return None

    def grow(self, group: Group, only_activation: bool = False) -> bool:
        """Extend every region of a group by the statement without weights, or the activation, that follows each.

        Args:
            group: Regions; they are replaced in place.
            only_activation: Whether other statements than activations stay outside.

        Returns:
            False where not every region is followed by such a statement.
        """
        graph = self._graph
        regions = group.all_regions
        if len(regions) < 2:
            return False
        users = [graph.only_user(region.subgraph.output) for region in regions]
        if any(user is None or len(graph.operands[user]) != 1 for user in users):
            return False
        following = [graph.statements[user] for user in users if user is not None]
        if len({token(statement) for statement in following}) != 1 or applies_weights(following[0]):
            return False
        if only_activation and not isinstance(following[0].term, ModuleOrFunction):
            return False
        if following[0].kind == "batch_norm":
            return False  # it belongs to what follows: units that normalise first end with the sum
        grown = {}
        for region, user in zip(regions, users):
            new = None if user is None else self._candidates.region(region.inside | {user}, user)
            if new is None:
                return False
            grown[id(region)] = new
        for item in (group, *(variant for _, variant in group.variants)):
            item.regions = [grown[id(region)] for region in item.regions]
        return True


def _merged_by_activation(groups: Sequence[Group]) -> list[Group]:
    """Return the groups, those that differ in their activations only as one."""
    by_key: dict[Hashable, Group] = {}
    for group in groups:
        subgraph = group.regions[0].subgraph
        members = {value: statement for statement in subgraph.statements for value in statement.values}
        known = by_key.setdefault(canonicalize(members, subgraph.output, any_activation=True).key, group)
        if known is not group:
            template = known.regions[0].subgraph
            same = dict(zip(subgraph.inputs, template.inputs))
            for statement, counterpart in zip(subgraph.statements, template.statements):
                same.update(zip(statement.values, counterpart.values))
            known.variants.append(((), Group(group.regions, [])))
            for parts, variant in group.variants:
                known.variants.append((tuple((same[a], same[b]) for a, b in parts), variant))
    return list(by_key.values())
