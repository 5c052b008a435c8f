"""Why a layer has no partner: what is nearest to it on the other side, and in what it differs."""

from __future__ import annotations

from typing import Iterator

from neutral.matching.assignment import Assignment
from neutral.matching.dataflow import DataflowGraph, LayerGroup
from neutral.matching.matcher import Remark
from neutral.matching.weisfeiler_lehman import SIGNIFICANT_ATTRIBUTES

SHOWN = 3


class Explainer:
    """Remarks on the units of two flows that an assignment leaves over."""

    def __init__(self, flows: tuple[DataflowGraph, DataflowGraph], assignment: Assignment) -> None:
        self.flows = flows
        self.used = tuple(flow.uses().keys() for flow in flows)
        self.pairs = (assignment.pairs, {partner: unit for unit, partner in assignment.pairs.items()})
        self.ambiguous: tuple[dict[int, tuple[int, ...]], dict[int, tuple[int, ...]]] = ({}, {})
        for ours, theirs in assignment.ambiguities:
            self.ambiguous[0].update(dict.fromkeys(ours, theirs))
            self.ambiguous[1].update(dict.fromkeys(theirs, ours))
        self.around = tuple(_neighbours(flow) for flow in flows)

    def remarks(self) -> Iterator[Remark]:
        for side, name in enumerate(("stored", "module")):
            for unit in self.flows[side].units:
                if unit.index not in self.pairs[side]:
                    yield Remark(name, unit.name, self._why(side, unit))

    def _why(self, side: int, unit: LayerGroup) -> str:
        which = ("the stored ", "the module's ")
        if unit.index not in self.used[side]:
            return ("no output of the stored graph depends on it", "the module does not use it for its outputs")[side]
        other = self.flows[1 - side]
        if unit.index in self.ambiguous[side]:
            names = [other.units[index].name for index in self.ambiguous[side][unit.index]]
            shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
            return (
                f"ambiguous: by dataflow {which[side]}{unit.name} could be any of {which[1 - side]}{shown}, and "
                "names do not tell. Give a mapping, or a golden file"
            )
        left = [item for item in other.units if item.index in self.used[1 - side] - self.pairs[1 - side].keys()]
        here = self._at_its_place(side, unit)
        near = [item for item in left if item.label == unit.label] or [item for item in left if item.kind == unit.kind]
        near.sort(key=lambda item: item.index not in here)
        parts = []
        if near:
            parts.append(f"nearest is {which[1 - side]}{near[0].name}: {self._difference(side, unit, near[0])}")
        elif here:
            taken = other.units[here[0]]
            parts.append(f"at its place there is {which[1 - side]}{taken.name}: {self._difference(side, unit, taken)}")
        return "; ".join((("the module", "the store")[side] + " has no counterpart in its dataflow", *parts))

    def _at_its_place(self, side: int, unit: LayerGroup) -> list[int]:
        """What the other side has between the partners of a unit's neighbours."""
        found: list[int] = []
        for way in (0, 1):
            for neighbour in self.around[side][way].get(unit.index, ()):
                partner = self.pairs[side].get(neighbour)
                if partner is not None:
                    found += [i for i in self.around[1 - side][1 - way].get(partner, ()) if i not in found]
        return found

    def _difference(self, side: int, unit: LayerGroup, other: LayerGroup) -> str:
        flows = (self.flows[side], self.flows[1 - side])
        ours, theirs = (flow.side.layers[item.name] for flow, item in zip(flows, (unit, other)))
        if ours.kind != theirs.kind and unit.label != other.label:
            return f"a {theirs.kind}, not a {ours.kind}"
        shapes = [
            {role: flow.side.shape(layer.name, role) for role in layer.tensors}
            for flow, layer in zip(flows, (ours, theirs))
        ]
        if unit.label != other.label:
            role = next((role for role in shapes[0] if shapes[0][role] != shapes[1].get(role)), None)
            if role is not None:
                return f"its {role} has shape {shapes[1].get(role)}, not {shapes[0][role]}"
        for name in SIGNIFICANT_ATTRIBUTES:
            if (
                name in ours.attributes
                and name in theirs.attributes
                and ours.attributes[name] != theirs.attributes[name]
            ):
                return f"same shape, other {name}: {theirs.attributes[name]}, not {ours.attributes[name]}"
        return "same shape, other neighbours"


def _neighbours(flow: DataflowGraph) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """For each unit the units before it and after it, with only operators between."""
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    sources: list[frozenset[int]] = []
    for step in flow.steps:
        into = frozenset().union(*(sources[place] for place, _ in step.flowing)) if step.flowing else frozenset()
        if step.unit is None:
            sources.append(into if len(into) <= 8 else frozenset(sorted(into)[-8:]))
            continue
        before.setdefault(step.unit, []).extend(sorted(into))
        for unit in into:
            after.setdefault(unit, []).append(step.unit)
        sources.append(frozenset((step.unit,)))
    return before, after
