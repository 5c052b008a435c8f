"""From colours to pairs: what has a colour of its own on both sides belongs together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Mapping, Sequence, Tuple

from neutral.matching.dataflow import DataflowGraph, LayerGroup
from neutral.matching.weisfeiler_lehman import LEVELS, Level, WeisfeilerLehman

Ambiguity = Tuple[Tuple[int, ...], Tuple[int, ...]]
"""Units of both sides, equally many, that nothing in the structure tells apart."""

Disambiguator = Callable[[Sequence[LayerGroup], Sequence[LayerGroup]], Mapping[int, int]]
"""Decides an ambiguity by other evidence: pairs by index, none where there is no evidence."""

BOTH, FORWARD, BACKWARD = 0, 1, 2

DIRECTIONS = {FORWARD: "from the inputs on", BACKWARD: "from the outputs back"}


@dataclass
class Assignment:
    """Pairs of units by index, with what each rests on, and the ambiguities that are left."""

    pairs: dict[int, int] = field(default_factory=dict)
    details: dict[int, str] = field(default_factory=dict)
    ambiguities: list[Ambiguity] = field(default_factory=list)

    def add(self, stored: int, module: int, detail: str) -> None:
        self.pairs[stored] = module
        self.details[stored] = detail


def assign(
    stored: DataflowGraph, module: DataflowGraph, anchors: Mapping[int, int], decide: Disambiguator
) -> Assignment:
    """Pair the units of two flows, starting from pairs that are given.

    Labels of both directions come first, at every level; then other evidence; then labels of one direction,
    which reach as far as both sides are equal. Each pair that is found makes colours near it surer, so all is
    repeated until nothing new is found.
    """
    found = Assignment(dict(anchors), dict.fromkeys(anchors, ""))
    colours = WeisfeilerLehman()
    wanted = len(stored.uses())
    while len(found.pairs) < wanted:
        before = len(found.pairs)
        for level in LEVELS:
            _pair(
                found, _classes(colours, stored, module, level, found, BOTH), level.name if level != LEVELS[0] else ""
            )
            if len(found.pairs) == wanted:
                break
        if len(found.pairs) == before:
            _decide(found, colours, stored, module, decide)
        if len(found.pairs) == before:
            _one_way(found, colours, stored, module)
        if len(found.pairs) == before:
            break
    found.ambiguities = _ambiguities(found, colours, stored, module)
    return found


def _classes(
    colours: WeisfeilerLehman, stored: DataflowGraph, module: DataflowGraph, level: Level, found: Assignment, way: int
) -> list[tuple[list[int], list[int]]]:
    """Units without a partner by colour, those of both sides beside each other."""
    numbers = {unit: number for number, unit in enumerate(found.pairs)}
    partners = {found.pairs[unit]: number for unit, number in numbers.items()}
    ours, theirs = colours.refined((stored, module), level, (numbers, partners))
    classes: dict[int, tuple[list[int], list[int]]] = {}
    for side, (units, taken) in enumerate(((ours, numbers), (theirs, partners))):
        for unit, found_colours in units.items():
            if unit not in taken:
                classes.setdefault(found_colours[way], ([], []))[side].append(unit)
    return [pair for pair in classes.values() if pair[0] and pair[1]]


def _pair(found: Assignment, classes: list[tuple[list[int], list[int]]], detail: str) -> None:
    for ours, theirs in classes:
        if len(ours) == len(theirs) == 1:
            found.add(ours[0], theirs[0], detail)


def _decide(
    found: Assignment, colours: WeisfeilerLehman, stored: DataflowGraph, module: DataflowGraph, decide: Disambiguator
) -> None:
    for level in LEVELS:
        before = len(found.pairs)
        for ours, theirs in _classes(colours, stored, module, level, found, BOTH):
            if len(ours) == len(theirs) > 1:
                decided = decide([stored.units[unit] for unit in ours], [module.units[unit] for unit in theirs])
                for unit, partner in decided.items():
                    found.add(unit, partner, f"{len(ours)} alike, told apart by name")
        if len(found.pairs) > before:
            return


def _one_way(found: Assignment, colours: WeisfeilerLehman, stored: DataflowGraph, module: DataflowGraph) -> None:
    for level in LEVELS:
        for way in (FORWARD, BACKWARD):
            before = len(found.pairs)
            _pair(found, _classes(colours, stored, module, level, found, way), DIRECTIONS[way])
            if len(found.pairs) > before:
                return


def _ambiguities(
    found: Assignment, colours: WeisfeilerLehman, stored: DataflowGraph, module: DataflowGraph
) -> list[Ambiguity]:
    """What is ambiguous at the strictest level at which it has partners at all."""
    ambiguities: list[Ambiguity] = []
    seen: set[int] = set()
    for level in LEVELS:
        for ours, theirs in _classes(colours, stored, module, level, found, BOTH):
            if len(ours) == len(theirs) > 1 and not seen & set(ours):
                ambiguities.append((tuple(ours), tuple(theirs)))
                seen |= set(ours)
    return ambiguities
