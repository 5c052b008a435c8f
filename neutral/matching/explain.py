"""Explain why a layer has no partner: the nearest layer of the other side, and the difference to it."""

from __future__ import annotations

from typing import Iterator

from neutral.matching.assignment import Assignment
from neutral.matching.dataflow import DataflowGraph, LayerGroup
from neutral.matching.heuristics import HEURISTICS
from neutral.matching.matcher import Remark
from neutral.matching.weisfeiler_lehman import SIGNIFICANT_ATTRIBUTES
from neutral.text import listed


class Explainer:
    """Remarks on the layer groups of two graphs that an assignment leaves over.

    Args:
        graphs: The stored graph and the module's.
        assignment: The pairs and ambiguities of their layer groups.
        whole: The graphs with all of their outputs, if ``graphs`` have those only that both sides have.
    """

    def __init__(
        self,
        graphs: tuple[DataflowGraph, DataflowGraph],
        assignment: Assignment,
        whole: tuple[DataflowGraph, DataflowGraph] | None = None,
    ) -> None:
        self.graphs = graphs
        self.used_by_all = tuple(graph.uses().keys() for graph in whole or graphs)
        self.used = tuple(graph.uses().keys() for graph in graphs)
        self.pairs = (assignment.pairs, {partner: group for group, partner in assignment.pairs.items()})
        self.candidates: tuple[dict[int, tuple[int, ...]], dict[int, tuple[int, ...]]] = ({}, {})
        for stored, module in assignment.ambiguities:
            self.candidates[0].update(dict.fromkeys(stored, module))
            self.candidates[1].update(dict.fromkeys(module, stored))
        self.neighbors = tuple(_find_neighbors(graph) for graph in graphs)
        self.unpaired = tuple(
            [group for group in graph.groups if group.index in used and group.index not in pairs]
            for graph, used, pairs in zip(graphs, self.used, self.pairs)
        )
        self.by_signature: tuple[dict[object, list[LayerGroup]], ...] = ({}, {})
        self.by_kind: tuple[dict[object, list[LayerGroup]], ...] = ({}, {})
        for side, groups in enumerate(self.unpaired):
            for group in groups:
                self.by_signature[side].setdefault(group.signature, []).append(group)
                self.by_kind[side].setdefault(group.kind, []).append(group)

    def remarks(self) -> Iterator[Remark]:
        """Yield a remark on each unpaired layer group, the stored ones first.

        Yields:
            The side (``stored`` or ``module``), the group's name and the reason, as a remark.
        """
        for side, name in enumerate(("stored", "module")):
            for group in self.graphs[side].groups:
                if group.index not in self.pairs[side]:
                    yield Remark(name, group.name, self._explain(side, group))

    def _explain(self, side: int, group: LayerGroup) -> str:
        owner = ("the stored ", "the module's ")
        if group.index not in self.used[side]:
            if group.index in self.used_by_all[side]:
                return ("the module", "the store")[side] + " has no output like those that it feeds"
            return ("no output of the stored graph depends on it", "the module does not use it for its outputs")[side]
        if group.index in self.candidates[side]:
            return self._explain_ambiguity(side, group)
        other = self.graphs[1 - side]
        in_place = self._groups_in_its_place(side, group)
        candidates = self.by_signature[1 - side].get(group.signature) or self.by_kind[1 - side].get(group.kind, [])
        parts = []
        if candidates:
            unpaired_in_place = (index for index in in_place if other.groups[index] in candidates)
            first = next(unpaired_in_place, None)
            nearest = candidates[0] if first is None else other.groups[first]
            difference = self._describe_difference(side, group, nearest)
            parts.append(f"nearest is {owner[1 - side]}{nearest.name}: {difference}")
        elif in_place:
            taken = other.groups[in_place[0]]
            difference = self._describe_difference(side, group, taken)
            parts.append(f"at its place there is {owner[1 - side]}{taken.name}: {difference}")
        return "; ".join((("the module", "the store")[side] + " has no counterpart in its dataflow", *parts))

    def _explain_ambiguity(self, side: int, group: LayerGroup) -> str:
        owner = ("the stored ", "the module's ")
        names = [self.graphs[1 - side].groups[index].name for index in self.candidates[side][group.index]]
        shown = listed(names, HEURISTICS.max_candidates_shown)
        return (
            f"ambiguous: by dataflow {owner[side]}{group.name} could be any of {owner[1 - side]}{shown}, and "
            "names do not tell. Give a mapping, or a golden file"
        )

    def _groups_in_its_place(self, side: int, group: LayerGroup) -> list[int]:
        """Return the layer groups that the other side has between the partners of a group's neighbours."""
        groups: list[int] = []
        for direction in (0, 1):
            for neighbor in self.neighbors[side][direction].get(group.index, ()):
                partner = self.pairs[side].get(neighbor)
                if partner is not None:
                    between = self.neighbors[1 - side][1 - direction].get(partner, ())
                    groups += [index for index in between if index not in groups]
        return groups

    def _describe_difference(self, side: int, group: LayerGroup, candidate: LayerGroup) -> str:
        networks = (self.graphs[side].network, self.graphs[1 - side].network)
        layer, other = networks[0].layers[group.name], networks[1].layers[candidate.name]
        if layer.kind != other.kind and group.signature != candidate.signature:
            return f"a {other.kind}, not a {layer.kind}"
        if group.signature != candidate.signature:
            shapes = {role: networks[0].shape(layer.name, role) for role in layer.tensors}
            other_shapes = {role: networks[1].shape(other.name, role) for role in other.tensors}
            role = next((role for role in shapes if shapes[role] != other_shapes.get(role)), None)
            if role is not None:
                return f"its {role} has shape {other_shapes.get(role)}, not {shapes[role]}"
        for name in SIGNIFICANT_ATTRIBUTES:
            values = [item.attributes[name] for item in (layer, other) if name in item.attributes]
            if len(values) == 2 and values[0] != values[1]:
                return f"same shape, other {name}: {values[1]}, not {values[0]}"
        return "same shape, other neighbours"


def _find_neighbors(graph: DataflowGraph) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return for each layer group the groups before it and after it, with only operators between."""
    limit = HEURISTICS.max_neighbors
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    sources: list[frozenset[int]] = []
    for vertex in graph.vertices:
        reaching: frozenset[int] = frozenset().union(*(sources[index] for index, _ in vertex.data_operands))
        if vertex.group is None:
            sources.append(reaching if len(reaching) <= limit else frozenset(sorted(reaching)[-limit:]))
            continue
        before.setdefault(vertex.group, []).extend(sorted(reaching))
        for group in reaching:
            after.setdefault(group, []).append(vertex.group)
        sources.append(frozenset((vertex.group,)))
    return before, after
