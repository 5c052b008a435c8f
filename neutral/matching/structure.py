"""Match by dataflow, with names as evidence where the structure leaves a choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence

from neutral.matching.assignment import Assignment, assign
from neutral.matching.compatibility import check_compatibility
from neutral.matching.dataflow import DataflowGraph, LayerGroup, build_dataflow, group_layers
from neutral.matching.explain import Explainer
from neutral.matching.matcher import Match, Matcher, Matching, Remark
from neutral.matching.names import NameMatcher, replace_synonyms, words_of
from neutral.matching.network import Network
from neutral.matching.weisfeiler_lehman import LEVELS, WeisfeilerLehman


class NoNames:
    """Matcher that finds nothing, in the place of names that are to be ignored.

    Example:
        >>> NoNames().match(Network({}, {}), Network({}, {}), Matching()).matches
        ()
    """

    def match(self, stored: Network, module: Network, previous: Matching) -> Matching:
        """Return no match; see :class:`neutral.matching.matcher.Matcher`.

        Args:
            stored: The store's network.
            module: The module's network.
            previous: The matching by the matchers before.

        Returns:
            An empty matching.
        """
        return Matching()


@dataclass(frozen=True)
class StructureMatcher:
    """Matcher that compares the dataflow of both sides.

    If names match every layer, the match is by name. Otherwise it is by the graphs of both sides, where names decide
    ambiguities only. If a side has no graph, it is by name, and by shapes where these leave no choice at all.

    Ignore names that conflict with the structure, unless they permute the match; then leave both open.

    Attributes:
        names: The matcher of names.

    Example:
        The graphs match layers that no name connects:

        >>> from neutral.graph import Graph, Input, Layer, Node, Value
        >>> def network(layer, tensor):
        ...     node = Node("y", "linear", (Value("x"),), {}, layer)
        ...     graph = Graph((Input("x"),), (node,), (Value("y"),))
        ...     return Network({layer: Layer(layer, "linear", {}, {"weight": tensor})}, {tensor: (2, 3)}, graph)
        >>> matching = StructureMatcher().match(network("fc1", "a"), network("head", "head.weight"), Matching())
        >>> [(match.stored, match.module) for match in matching.matches]
        [('fc1', 'head')]
    """

    names: Matcher = field(default_factory=NameMatcher)

    def match(self, stored: Network, module: Network, previous: Matching) -> Matching:
        """Match the layers that are in no match yet; see :class:`neutral.matching.matcher.Matcher`.

        Args:
            stored: The store's network.
            module: The module's network.
            previous: The matching by the matchers before.

        Returns:
            The additions to ``previous``.
        """
        by_name = self.names.match(stored, module, previous)
        if stored.graph is None or module.graph is None:
            return _add_shape_matches(stored, module, previous, by_name)
        graphs = build_dataflow(stored, stored.graph), build_dataflow(module, module.graph)
        anchors, named_pairs = _pairs_of_groups(graphs, previous), _pairs_of_groups(graphs, by_name)
        known = {**named_pairs, **anchors}
        if all(graph.uses().keys() <= set(groups) for graph, groups in zip(graphs, (known, known.values()))):
            return by_name
        whole, graphs = graphs, _restrict_to_common_outputs(*graphs)
        assignment = assign(*graphs, anchors, NameDisambiguator(graphs, named_pairs).decide)
        for group, partner in named_pairs.items():
            if group not in assignment.pairs and partner not in assignment.pairs.values():
                assignment.add(group, partner, "")
        return _Result(graphs, whole, assignment, set(anchors), named_pairs, by_name).matching()


@dataclass(frozen=True)
class NameDisambiguator:
    """Decides by names between layer groups that the structure does not tell apart.

    Attributes:
        graphs: The stored graph and the module's.
        named_pairs: Pairs of layer groups by name.
    """

    graphs: tuple[DataflowGraph, DataflowGraph]
    named_pairs: Mapping[int, int]

    def decide(self, stored: Sequence[LayerGroup], module: Sequence[LayerGroup]) -> Mapping[int, int]:
        """Return pairs for all of the layer groups, or none.

        Args:
            stored: Stored layer groups that structure cannot tell apart.
            module: The module's layer groups that they may match.

        Returns:
            The index of the module's group by that of the stored one.
        """
        candidates = {group.index for group in module}
        pairs = {
            group.index: self.named_pairs[group.index]
            for group in stored
            if self.named_pairs.get(group.index) in candidates
        }
        if len(pairs) == len(stored) == len(set(pairs.values())):
            return pairs
        by_words = [_distinctive_words(groups) for groups in (stored, module)]
        if by_words[0].keys() != by_words[1].keys() or len(by_words[0]) != len(stored):
            return {}
        return {group: by_words[1][words] for words, group in by_words[0].items()}


ABBREVIATIONS = {"q": "query", "k": "key", "v": "value", "proj": "projection"}


def _distinctive_words(groups: Sequence[LayerGroup]) -> dict[frozenset[str], int]:
    """Return the layer groups by the words of their names that not all of the names have."""
    words = [
        frozenset(ABBREVIATIONS.get(word, word) for word in replace_synonyms(words_of(group.name))) for group in groups
    ]
    common = frozenset.intersection(*words)
    return {item - common: group.index for item, group in zip(words, groups)}


def _pairs_of_groups(graphs: tuple[DataflowGraph, DataflowGraph], matching: Matching) -> dict[int, int]:
    """Return matches of whole layers as pairs of layer groups, without those that share a partner."""
    group_of = [{name: group.index for group in graph.groups for name in group.layers} for graph in graphs]
    pairs: dict[int, int] = {}
    for match in matching.matches:
        if match.whole and match.stored in group_of[0] and match.module in group_of[1]:  # others have no tensors
            pairs.setdefault(group_of[0][match.stored], group_of[1][match.module])
    partners = list(pairs.values())
    if len(set(partners)) == len(partners):
        return pairs
    return {group: partner for group, partner in pairs.items() if partners.count(partner) == 1}


def _restrict_to_common_outputs(stored: DataflowGraph, module: DataflowGraph) -> tuple[DataflowGraph, DataflowGraph]:
    """Restrict both graphs to the outputs that both have, if any: no training heads, no features of one side only."""
    refinement = WeisfeilerLehman()
    most, restricted = 0, (stored, module)
    for level in LEVELS[1:]:  # an output that agrees at a loose level only is none of one side
        labels = [refinement.label_outputs(graph, level) for graph in (stored, module)]
        kept = [
            [index for index, label in enumerate(side) if label in other]
            for side, other in ((labels[0], labels[1]), (labels[1], labels[0]))
        ]
        count = len(kept[0]) + len(kept[1])
        if count == len(labels[0]) + len(labels[1]):
            return stored, module
        if count > most:
            most, restricted = count, (stored.restricted_to(kept[0]), module.restricted_to(kept[1]))
    return restricted


@dataclass(frozen=True)
class _Result:
    """Turns an assignment of layer groups into a matching of layers."""

    graphs: tuple[DataflowGraph, DataflowGraph]
    whole: tuple[DataflowGraph, DataflowGraph]
    assignment: Assignment
    anchors: set[int]
    named_pairs: Mapping[int, int]
    by_name: Matching

    def matching(self) -> Matching:
        stored, module = self.graphs
        pairs = self.assignment.pairs
        permuted = set() if _names_are_unreliable(self.by_name) else _find_permuted(self.named_pairs, pairs)
        details = {match.stored: match.detail for match in self.by_name.matches}
        matches: list[Match] = []
        remarks: list[Remark] = []
        for group, partner in pairs.items():
            if group in self.anchors:
                continue
            layer, target = stored.groups[group].name, module.groups[partner].name
            verdict = check_compatibility(stored.network, layer, module.network, target)
            problem = verdict.problem
            if group in permuted:
                named = module.groups[self.named_pairs[group]].name
                problem = f"by name stored {layer} is the module's {named}, by dataflow it is {target}"
            if problem:
                remarks += [Remark("stored", layer, problem), Remark("module", target, problem)]
                continue
            names_agree = self.named_pairs.get(group) == partner
            detail = details.get(layer, "") if names_agree else self.assignment.details[group]
            matches.append(Match(layer, target, "name" if names_agree else "structure", detail, dict(verdict.roles)))
        return Matching(
            (*matches, *self._tensor_matches(matches)),
            (*remarks, *Explainer(self.graphs, self.assignment, self.whole).remarks(), *self.by_name.remarks),
            self._ambiguities(permuted),
        )

    def _tensor_matches(self, matches: list[Match]) -> list[Match]:
        """Return the matches of single tensors by name, of layers that have no other match."""
        stored, module = {match.stored for match in matches}, {match.module for match in matches}
        return [
            match
            for match in self.by_name.matches
            if not match.whole and match.stored not in stored and match.module not in module
        ]

    def _ambiguities(self, permuted: set[int]) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        stored, module = self.graphs
        ambiguities = list(self.assignment.ambiguities)
        if permuted:
            ambiguities.append((tuple(permuted), tuple(self.assignment.pairs[group] for group in permuted)))
        return tuple(
            (tuple(stored.groups[group].name for group in left), tuple(module.groups[group].name for group in right))
            for left, right in ambiguities
        )


def _names_are_unreliable(by_name: Matching) -> bool:
    """Return whether layers of equal names cannot match: then names are numbers that were given in another order."""
    return any(not remark.text.startswith("ambiguous") for remark in by_name.remarks)


def _find_permuted(named_pairs: Mapping[int, int], pairs: Mapping[int, int]) -> set[int]:
    """Return the layer groups whose partners by name are a permutation of those by structure."""
    permuted = {group for group, partner in named_pairs.items() if group in pairs and pairs[group] != partner}
    while True:
        by_name, by_structure = ({side[group] for group in permuted} for side in (named_pairs, pairs))
        kept = {group for group in permuted if named_pairs[group] in by_structure and pairs[group] in by_name}
        if kept == permuted:
            return permuted
        permuted = kept


def _add_shape_matches(stored: Network, module: Network, previous: Matching, by_name: Matching) -> Matching:
    """Add matches by shapes if they pair all layers that names leave over: every shape once on both sides.

    A shape that a layer has that was matched by name is not unique: names may have given that layer the wrong partner.
    """
    matching = Matching((*previous.matches, *by_name.matches))
    sides = (stored, matching.unmatched_stored(stored)), (module, matching.unmatched_module(module))
    groups = [group_layers(side) for side, _ in sides]
    unmatched = [[item for item in side if (item.name, None) in names] for side, (_, names) in zip(groups, sides)]
    named = {match.stored for match in by_name.matches}
    if {item.signature for item in unmatched[0]} & {item.signature for item in groups[0] if item.name in named}:
        return by_name
    by_signature = [{group.signature: group for group in groups} for groups in unmatched]
    are_unique = all(len(groups) == len(signatures) for groups, signatures in zip(unmatched, by_signature))
    if not unmatched[0] or by_signature[0].keys() != by_signature[1].keys() or not are_unique:
        return by_name
    matches = []
    for signature, group in by_signature[0].items():
        partner = by_signature[1][signature]
        verdict = check_compatibility(stored, group.name, module, partner.name)
        if verdict.problem:
            return by_name
        detail = "by unique shapes; no dataflow was compared"
        matches.append(Match(group.name, partner.name, "structure", detail, dict(verdict.roles)))
    return Matching((*by_name.matches, *matches), by_name.remarks)
