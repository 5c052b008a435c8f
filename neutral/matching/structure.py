"""Matching by dataflow, with names as evidence where the structure leaves a choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence

from neutral.matching.assignment import Assignment, assign
from neutral.matching.compatibility import check_compatibility
from neutral.matching.dataflow import DataflowGraph, LayerGroup, build_dataflow, group_layers
from neutral.matching.explain import Explainer
from neutral.matching.matcher import Match, Matcher, Matching, Remark
from neutral.matching.names import NameMatcher, plain, words_of
from neutral.matching.network import Network
from neutral.matching.weisfeiler_lehman import LEVELS, WeisfeilerLehman


@dataclass(frozen=True)
class StructureMatcher:
    """Match by name where names match everything; else by the graphs of both sides, names deciding ambiguities only;
    where a side has no graph, by name, and by shapes where these alone leave no choice at all.

    Names that contradict the structure are taken as chance, unless they only permute what the structure found: then
    neither is believed, and what they contradict each other in is left over.
    """

    names: Matcher = field(default_factory=NameMatcher)

    def match(self, stored: Network, module: Network, found: Matching) -> Matching:
        named = self.names.match(stored, module, found)
        if stored.graph is None or module.graph is None:
            return _with_shapes(stored, module, found, named)
        flows = build_dataflow(stored, stored.graph), build_dataflow(module, module.graph)
        anchors, by_name = _unit_pairs(flows, found), _unit_pairs(flows, named)
        known = {**by_name, **anchors}
        if all(flow.uses().keys() <= set(units) for flow, units in zip(flows, (known, known.values()))):
            return named
        flows = _with_common_outputs(*flows)
        assignment = assign(*flows, anchors, Disambiguator(flows, by_name).decide)
        for unit, partner in by_name.items():
            if unit not in assignment.pairs and partner not in assignment.pairs.values():
                assignment.add(unit, partner, "")
        doubtful = set() if _names_are_chance(named) else _permuted(by_name, assignment.pairs)
        return _matching(flows, assignment, set(anchors), by_name, named, doubtful)


@dataclass(frozen=True)
class Disambiguator:
    """Decides between units that the structure cannot tell apart by what their names say."""

    flows: tuple[DataflowGraph, DataflowGraph]
    by_name: Mapping[int, int]

    def decide(self, ours: Sequence[LayerGroup], theirs: Sequence[LayerGroup]) -> Mapping[int, int]:
        """Pairs for all, or for none."""
        wanted = {unit.index for unit in theirs}
        pairs = {unit.index: self.by_name[unit.index] for unit in ours if self.by_name.get(unit.index) in wanted}
        if len(pairs) == len(ours) == len(set(pairs.values())):
            return pairs
        telling = [_telling_words(units) for units in (ours, theirs)]
        if telling[0].keys() != telling[1].keys() or len(telling[0]) != len(ours):
            return {}
        return {unit: telling[1][words] for words, unit in telling[0].items()}


SHORT = {"q": "query", "k": "key", "v": "value", "proj": "projection"}


def _telling_words(units: Sequence[LayerGroup]) -> dict[frozenset[str], int]:
    """The words of each unit's name that not all of them have."""
    words = [frozenset(SHORT.get(word, word) for word in plain(words_of(unit.name))) for unit in units]
    common = frozenset.intersection(*words)
    return {item - common: unit.index for item, unit in zip(words, units)}


def _unit_pairs(flows: tuple[DataflowGraph, DataflowGraph], matching: Matching) -> dict[int, int]:
    """Matches of whole layers as pairs of units, but for those that contradict each other."""
    index = [{name: unit.index for unit in flow.units for name in unit.layers} for flow in flows]
    pairs: dict[int, int] = {}
    for match in matching.matches:
        if match.whole:
            pairs.setdefault(index[0][match.stored], index[1][match.module])
    targets = list(pairs.values())
    return (
        {unit: partner for unit, partner in pairs.items() if targets.count(partner) == 1}
        if len(set(targets)) < len(targets)
        else pairs
    )


def _with_common_outputs(stored: DataflowGraph, module: DataflowGraph) -> tuple[DataflowGraph, DataflowGraph]:
    """Both flows up to the outputs that both have, where at least one is the same on both sides: a head for training,
    or features that only one side gives, are left out."""
    colours = WeisfeilerLehman()
    for level in LEVELS[1:]:
        ours, theirs = (colours.outputs(flow, level) for flow in (stored, module))
        common = set(ours) & set(theirs)
        if common and (set(ours) - common or set(theirs) - common):
            return (
                stored.only(index for index, colour in enumerate(ours) if colour in common),
                module.only(index for index, colour in enumerate(theirs) if colour in common),
            )
        if common:
            break
    return stored, module


def _names_are_chance(named: Matching) -> bool:
    """Whether equal names stand for what cannot belong together: then they are numbers given in another order."""
    return any(not remark.text.startswith("ambiguous") for remark in named.remarks)


def _permuted(by_name: Mapping[int, int], pairs: Mapping[int, int]) -> set[int]:
    """Units that names and structure give other partners, where both give the same partners taken together."""
    doubtful = {unit for unit, partner in by_name.items() if unit in pairs and pairs[unit] != partner}
    while True:
        names, structure = ({side[unit] for unit in doubtful} for side in (by_name, pairs))
        kept = {unit for unit in doubtful if by_name[unit] in structure and pairs[unit] in names}
        if kept == doubtful:
            return doubtful
        doubtful = kept


def _matching(
    flows: tuple[DataflowGraph, DataflowGraph],
    assignment: Assignment,
    anchors: set[int],
    by_name: Mapping[int, int],
    named: Matching,
    doubtful: set[int],
) -> Matching:
    stored, module = flows
    details = {match.stored: match.detail for match in named.matches}
    matches: list[Match] = []
    explain = Explainer(flows, assignment)
    remarks: list[Remark] = []
    for unit, partner in assignment.pairs.items():
        if unit in anchors:
            continue
        ours, theirs = stored.units[unit], module.units[partner]
        if unit in doubtful:
            other = module.units[by_name[unit]]
            text = f"by name stored {ours.name} is the module's {other.name}, by dataflow it is {theirs.name}"
            remarks += [Remark("stored", ours.name, text), Remark("module", theirs.name, text)]
            continue
        verdict = check_compatibility(stored.side, ours.name, module.side, theirs.name)
        if verdict.problem:
            remarks += [Remark("stored", ours.name, verdict.problem), Remark("module", theirs.name, verdict.problem)]
            continue
        agrees = by_name.get(unit) == partner
        detail = details.get(ours.name, "") if agrees else assignment.details[unit]
        matches.append(Match(ours.name, theirs.name, "name" if agrees else "structure", detail, dict(verdict.roles)))
    taken = ({match.stored for match in matches}, {match.module for match in matches})
    tensors = [m for m in named.matches if not m.whole and m.stored not in taken[0] and m.module not in taken[1]]
    ambiguities = [
        *assignment.ambiguities,
        *([(tuple(doubtful), tuple(assignment.pairs[u] for u in doubtful))] if doubtful else []),
    ]
    return Matching(
        (*matches, *tensors),
        (*remarks, *explain.remarks(), *named.remarks),
        tuple(
            (tuple(stored.units[unit].name for unit in ours), tuple(module.units[unit].name for unit in theirs))
            for ours, theirs in ambiguities
        ),
    )


def _with_shapes(stored: Network, module: Network, found: Matching, named: Matching) -> Matching:
    """Names, and what is left by shapes if that pairs all of it: every shape once, nothing left on either side."""
    so_far = Matching((*found.matches, *named.matches))
    sides = (stored, so_far.open_stored(stored)), (module, so_far.open_module(module))
    units = [
        {unit.label: unit for unit in group_layers(side) if (unit.name, None) in still_open}
        for side, still_open in sides
    ]
    count = [sum((unit.name, None) in still_open for unit in group_layers(side)) for side, still_open in sides]
    if not units[0] or units[0].keys() != units[1].keys() or count[0] != len(units[0]) or count[1] != len(units[1]):
        return named
    matches = []
    for label, ours in units[0].items():
        verdict = check_compatibility(stored, ours.name, module, units[1][label].name)
        if verdict.problem:
            return named
        detail = "by its shapes alone, which nothing else has; no dataflow was compared"
        matches.append(Match(ours.name, units[1][label].name, "structure", detail, dict(verdict.roles)))
    return Matching((*named.matches, *matches), named.remarks)
