"""Pair the layer groups of two graphs by their labels: a label that is unique on both sides makes a pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, List, Mapping, Sequence, Tuple

from neutral.matching.dataflow import DataflowGraph, LayerGroup
from neutral.matching.weisfeiler_lehman import LEVELS, Level, WeisfeilerLehman

Ambiguity = Tuple[Tuple[int, ...], Tuple[int, ...]]
"""Layer groups of both sides, equally many, that the structure does not tell apart."""

Disambiguate = Callable[[Sequence[LayerGroup], Sequence[LayerGroup]], Mapping[int, int]]
"""Return pairs by index for an ambiguity, by evidence other than structure; none without evidence."""

_Class = Tuple[List[int], List[int]]
"""The unpaired layer groups of both sides that have one label."""

_DIRECTIONS = {"forward": "from the inputs on", "backward": "from the outputs back"}


@dataclass
class Assignment:
    """Pairs of layer groups by index.

    Attributes:
        pairs: The module's layer group of each stored one.
        details: Text on the evidence of each pair, by stored layer group.
        ambiguities: The ambiguities that are left.

    Example:
        >>> assignment = Assignment()
        >>> assignment.add(0, 2, "equal surroundings")
        >>> assignment.pairs
        {0: 2}
    """

    pairs: dict[int, int] = field(default_factory=dict)
    details: dict[int, str] = field(default_factory=dict)
    ambiguities: list[Ambiguity] = field(default_factory=list)

    def add(self, stored: int, module: int, detail: str) -> None:
        """Add a pair.

        Args:
            stored: The index of the stored layer group; an earlier pair of it is replaced.
            module: The index of the module's layer group.
            detail: The evidence for the pair, shown with the match.
        """
        self.pairs[stored] = module
        self.details[stored] = detail


def assign(
    stored: DataflowGraph, module: DataflowGraph, anchors: Mapping[int, int], disambiguate: Disambiguate
) -> Assignment:
    """Pair the layer groups of two graphs.

    Labels of both directions come first, at every level; then ambiguities by other evidence; then labels of one
    direction, which reach as far as both sides are equal. Each new pair refines the labels near it, so everything is
    repeated until there are no new pairs.

    Args:
        stored: The stored graph.
        module: The module's graph.
        anchors: Pairs that are given.
        disambiguate: Decides ambiguities.

    Returns:
        The pairs, the evidence for each, and the ambiguities that stay open.

    Example:
        >>> from neutral.graph import Graph, Input, Layer, Node, Value
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> def graph(layer):
        ...     network = Network({layer: Layer(layer, "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        ...     node = Node("y", "linear", (Value("x"),), {}, layer)
        ...     return build_dataflow(network, Graph((Input("x"),), (node,), (Value("y"),)))
        >>> assign(graph("fc1"), graph("head"), {}, lambda stored, module: {}).pairs
        {0: 0}
    """
    return _Assigner(stored, module, anchors, disambiguate).run()


class _Assigner:
    def __init__(
        self, stored: DataflowGraph, module: DataflowGraph, anchors: Mapping[int, int], disambiguate: Disambiguate
    ) -> None:
        self.graphs = stored, module
        self.assignment = Assignment(dict(anchors), dict.fromkeys(anchors, ""))
        self.disambiguate = disambiguate
        self.labels = WeisfeilerLehman()
        self.total = len(stored.uses())

    def run(self) -> Assignment:
        pairs = self.assignment.pairs
        while len(pairs) < self.total:
            before = len(pairs)
            for level in LEVELS:
                self._pair(self._classes(level, "both"), level.name if level != LEVELS[0] else "")
                if len(pairs) == self.total:
                    break
            for fallback in (self._pair_by_other_evidence, self._pair_by_one_direction):
                if len(pairs) == before:
                    fallback()
            if len(pairs) == before:
                break
        self.assignment.ambiguities = self._ambiguities()
        return self.assignment

    def _classes(self, level: Level, direction: str) -> list[_Class]:
        """Return the unpaired layer groups of both sides by label."""
        numbers = {group: number for number, group in enumerate(self.assignment.pairs)}
        partners = {self.assignment.pairs[group]: number for group, number in numbers.items()}
        labels = self.labels.refine(self.graphs, level, (numbers, partners))
        classes: dict[int, _Class] = {}
        for side, paired in enumerate((numbers, partners)):
            for group, label in labels[side].items():
                if group not in paired:
                    classes.setdefault(getattr(label, direction), ([], []))[side].append(group)
        return [item for item in classes.values() if item[0] and item[1]]

    def _pair(self, classes: list[_Class], detail: str) -> None:
        for stored, module in classes:
            if len(stored) == len(module) == 1:
                self.assignment.add(stored[0], module[0], detail)

    def _pair_by_other_evidence(self) -> None:
        for level in LEVELS:
            before = len(self.assignment.pairs)
            for stored, module in self._classes(level, "both"):
                if len(stored) == len(module) > 1:
                    decided = self.disambiguate(
                        [self.graphs[0].groups[group] for group in stored],
                        [self.graphs[1].groups[group] for group in module],
                    )
                    for group, partner in decided.items():
                        self.assignment.add(group, partner, f"{len(stored)} alike, told apart by name")
            if len(self.assignment.pairs) > before:
                return

    def _pair_by_one_direction(self) -> None:
        for level in LEVELS:
            for direction, detail in _DIRECTIONS.items():
                before = len(self.assignment.pairs)
                self._pair(self._classes(level, direction), detail)
                if len(self.assignment.pairs) > before:
                    return

    def _ambiguities(self) -> list[Ambiguity]:
        """Return the ambiguities, each at the strictest level at which its layer groups have partners at all."""
        if self.graphs[0].uses().keys() <= self.assignment.pairs.keys():
            return []
        ambiguities: list[Ambiguity] = []
        seen: set[int] = set()
        for level in LEVELS:
            for stored, module in self._classes(level, "both"):
                if len(stored) == len(module) > 1 and not seen & set(stored):
                    ambiguities.append((tuple(stored), tuple(module)))
                    seen |= set(stored)
        return ambiguities
