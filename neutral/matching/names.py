"""Match by name: the same name first, then its usual spellings, each only where it leaves no choice.

The spellings, from strict to loose:

1. the name itself;
2. its words, whatever separates them (``conv1_1``, ``conv1.1``; ``stage1_unit1_bn1``, ``stage1.unit1.bn1``), without
   Gluon's ``_fwd``;
3. without the words with which all names begin (``resnetv10_``, ``module.``);
4. with one word for synonyms of the frameworks (``batchnorm0``, ``bn0``).

Layers that are numbered from 0 on one side and from 1 on the other come before all of these; see
:mod:`neutral.matching.numbering`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import AbstractSet, Callable, Iterable, Sequence, Tuple

from neutral.matching.compatibility import check_compatibility, find_shape_conflict, kinds_are_compatible
from neutral.matching.matcher import Match, Matching, Remark
from neutral.matching.network import Network
from neutral.matching.numbering import Numbering, compare_numbering

Words = Tuple[str, ...]

SEPARATORS = re.compile(r"[_.\-/]+")
WORDS = re.compile(r"[^\W\d_]+|\d+")

SYNONYMS: dict[str, tuple[Words, ...]] = {
    "bn": (
        ("batchnorm",),
        ("batch", "norm"),
        ("batchnorm", "2", "d"),
        ("batchnorm", "1", "d"),
        ("batchnorm", "3", "d"),
    ),
    "conv": (("convolution",), ("conv", "2", "d"), ("conv", "1", "d"), ("conv", "3", "d")),
    "deconv": (("deconvolution",), ("convtranspose",), ("conv", "transpose"), ("conv", "2", "dtranspose")),
    "fc": (("dense",), ("linear",), ("fullyconnected",), ("fully", "connected")),
    "ln": (("layernorm",), ("layer", "norm")),
    "gn": (("groupnorm",), ("group", "norm")),
    "in": (("instancenorm",), ("instance", "norm")),
    "embed": (("embedding",), ("embeddings",)),
    "weight": (("gamma",), ("alpha",)),
    "bias": (("beta",),),
    "running": (("moving",),),
    "ih": (("i", "2", "h"),),
    "hh": (("h", "2", "h"),),
}
"""Each word and its synonyms."""


@dataclass(frozen=True)
class _Named:
    """A layer or one of its tensors, with the words of its names with and without the common prefix."""

    layer: str
    role: str | None
    names: tuple[str, ...]
    words: tuple[Words, ...]
    unprefixed: tuple[Words, ...]


_Keys = Callable[[_Named], Iterable[object]]
"""Return the spellings of a layer's or tensor's names; equal spellings may match."""


class NameMatcher:
    """Matcher of layers by name, then of single tensors of layers whose kind only one side knows.

    Example:
        >>> from neutral.graph import Layer
        >>> stored = Network({"net_fc1": Layer("net_fc1", "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        >>> module = Network({"fc1": Layer("fc1", "linear", {}, {"weight": "fc1.weight"})}, {"fc1.weight": (2, 3)})
        >>> [(match.stored, match.module) for match in NameMatcher().match(stored, module, Matching()).matches]
        [('net_fc1', 'fc1')]
    """

    def match(self, stored: Network, module: Network, previous: Matching) -> Matching:
        """Match the layers that are in no match yet; see :class:`neutral.matching.matcher.Matcher`.

        Args:
            stored: The store's network.
            module: The module's network.
            previous: The matching by the matchers before.

        Returns:
            The additions to ``previous``.
        """
        new = Matching()
        for describe in (_layers, _tensors):
            stored_items, module_items = describe(stored), describe(module)
            matching = Matching(previous.matches + new.matches)
            step, no_evidence = _match_by_numbering(stored, module, stored_items, module_items, matching)
            new = Matching(new.matches + step.matches, new.remarks + step.remarks)
            for level, keys in _LEVELS:
                matching = Matching(previous.matches + new.matches)
                unmatched_stored = matching.unmatched_stored(stored)
                unmatched_module = matching.unmatched_module(module)
                step = _MatchBySpelling(stored, module, level, keys, no_evidence).match(
                    [item for item in stored_items if (item.layer, item.role) in unmatched_stored],
                    [item for item in module_items if (item.layer, item.role) in unmatched_module],
                )
                new = Matching(new.matches + step.matches, new.remarks + step.remarks)
        return Matching(new.matches, tuple(dict.fromkeys(new.remarks)))


class _MatchBySpelling:
    """Matches items that share a spelling with one partner only, and remarks on those that share it in vain."""

    def __init__(
        self, stored: Network, module: Network, level: str, keys: _Keys, no_evidence: AbstractSet[tuple[_Named, _Named]]
    ) -> None:
        self.stored = stored
        self.module = module
        self.level = level
        self.keys = keys
        self.no_evidence = no_evidence
        self.matches: list[Match] = []
        self.remarks: list[Remark] = []

    def match(self, stored: Sequence[_Named], module: Sequence[_Named]) -> Matching:
        by_key: dict[object, list[_Named]] = defaultdict(list)
        for target in module:
            for key in dict.fromkeys(self.keys(target)):
                by_key[key].append(target)
        targets: dict[_Named, list[_Named]] = {}
        sources: dict[_Named, list[_Named]] = defaultdict(list)
        for item in stored:
            same_spelling = dict.fromkeys(target for key in self.keys(item) for target in by_key.get(key, ()))
            same_spelling = {target: None for target in same_spelling if (item, target) not in self.no_evidence}
            targets[item] = [target for target in same_spelling if self._are_comparable(item, target)]
            for target in targets[item]:
                sources[target].append(item)
            if item.role is None and not targets[item]:
                for target in same_spelling:
                    kinds = self.stored.layers[item.layer].kind, self.module.layers[target.layer].kind
                    text = f"the stored {item.layer} is a {kinds[0]}, the module's {target.layer} a {kinds[1]}"
                    self._add_remark(item, target, text)
        for item, candidates in targets.items():
            rivals = dict.fromkeys(rival for target in candidates for rival in sources[target])
            self._decide(item, candidates, list(rivals))
        return Matching(tuple(self.matches), tuple(self.remarks))

    def _decide(self, item: _Named, targets: list[_Named], rivals: list[_Named]) -> None:
        # stored layers with the same tensors may share a module, which is then called more than once
        is_decided = len(targets) == 1 and len({self._content(rival) for rival in rivals}) == 1
        for target in targets:
            problem, roles = _check(self.stored, self.module, item, target)
            if not is_decided:
                names = [", ".join(dict.fromkeys(one.layer for one in items)) for items in (rivals, targets)]
                text = f"ambiguous: by {self.level}, the stored {names[0]} could be the module's {names[1]}"
                self._add_remark(item, target, text)
            elif problem:
                self._add_remark(item, target, problem)
            else:
                detail = "" if self.level == "name" else self.level
                self.matches.append(Match(item.layer, target.layer, "name", detail, roles, whole=item.role is None))

    def _add_remark(self, item: _Named, target: _Named, text: str) -> None:
        self.remarks.extend((Remark("stored", item.layer, text), Remark("module", target.layer, text)))

    def _content(self, item: _Named) -> object:
        tensors = self.stored.layers[item.layer].tensors
        return frozenset(tensors.items()) if item.role is None else tensors[item.role]

    def _are_comparable(self, item: _Named, target: _Named) -> bool:
        layers = self.stored.layers[item.layer], self.module.layers[target.layer]
        if item.role is None:
            return kinds_are_compatible(*layers)
        return "parameter" in (layers[0].kind, layers[1].kind)


def _match_by_numbering(
    stored: Network, module: Network, stored_items: list[_Named], module_items: list[_Named], previous: Matching
) -> tuple[Matching, set[tuple[_Named, _Named]]]:
    """Return matches of names that agree after a shift of their numbers, and pairs of names that are not evidence."""
    unmatched = previous.unmatched_stored(stored), previous.unmatched_module(module)
    sides = [
        [item for item in items if (item.layer, item.role) in names]
        for items, names in zip((stored_items, module_items), unmatched)
    ]
    words = [[replace_synonyms(item.unprefixed[0]) if item.unprefixed else () for item in side] for side in sides]

    def fits(place: int, other: int) -> bool:
        item, target = sides[0][place], sides[1][other]
        return (
            kinds_are_compatible(stored.layers[item.layer], module.layers[target.layer])
            and _check(stored, module, item, target)[0] is None
        )

    numbering: Numbering = compare_numbering(words[0], words[1], fits)
    matches = tuple(
        Match(item.layer, target.layer, "name", _SHIFTED, _check(stored, module, item, target)[1], item.role is None)
        for item, target in ((sides[0][place], sides[1][other]) for place, other in numbering.shifted.items())
    )
    remarks = tuple(
        Remark(side, item.layer, text)
        for pair, text in numbering.undecided.items()
        for side, item in (("stored", sides[0][pair[0]]), ("module", sides[1][pair[1]]))
    )
    return Matching(matches, remarks), {(sides[0][place], sides[1][other]) for place, other in numbering.undecided}


_SHIFTED = "numbered from 0 on one side and from 1 on the other"


def _check(stored: Network, module: Network, item: _Named, target: _Named) -> tuple[str | None, dict[str, str]]:
    """Return the problem of a match, None for none, and the module's role of each stored one."""
    if item.role is None or target.role is None:
        verdict = check_compatibility(stored, item.layer, module, target.layer)
        return verdict.problem, dict(verdict.roles)
    problem = find_shape_conflict(stored, item.layer, item.role, module, target.layer, target.role)
    return problem, {item.role: target.role}


def _layers(network: Network) -> list[_Named]:
    return _with_words(
        [
            (layer.name, None, tuple(dict.fromkeys(filter(None, (layer.name, layer.source.node)))))
            for layer in network.layers.values()
        ]
    )


def _tensors(network: Network) -> list[_Named]:
    items: list[tuple[str, str | None, tuple[str, ...]]] = []
    for layer in network.layers.values():
        for role, name in layer.tensors.items():
            is_parameter = layer.kind == "parameter"
            items.append((layer.name, role, (layer.name,) if is_parameter else (f"{layer.name}.{role}", name)))
    return _with_words(items)


def _with_words(items: list[tuple[str, str | None, tuple[str, ...]]]) -> list[_Named]:
    prefix = common_prefix([names[0] for _, _, names in items if names])
    named = []
    for layer, role, names in items:
        words = tuple(words_of(name) for name in names)
        unprefixed = tuple(w[len(prefix) :] if w[: len(prefix)] == prefix else w for w in words)
        named.append(_Named(layer, role, names, words, unprefixed))
    return named


def words_of(name: str) -> Words:
    """Return the words and numbers of a name in lower case, without Gluon's ``_fwd``.

    Args:
        name: The name of a layer or tensor.

    Returns:
        The words; digits are words of their own.

    Example:
        >>> words_of("stage1_unit1_bn1") == words_of("stage1.unit1.bn1")
        True
    """
    words = tuple(WORDS.findall(name.lower()))
    return words[:-1] if len(words) > 1 and words[-1] == "fwd" else words


def common_prefix(names: Sequence[str]) -> Words:
    """Return the words of the separated parts with which every name begins, never a whole name.

    Args:
        names: The names of all layers or tensors of one side.

    Returns:
        The words of the prefix, empty if there is none.

    Example:
        >>> common_prefix(["resnetv10_conv0", "resnetv10_stage1_conv0"])
        ('resnetv', '10')
    """
    parts = [SEPARATORS.split(name) for name in names]
    if not parts:
        return ()
    shared = 0
    while all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return tuple(word for part in parts[0][:shared] for word in words_of(part))


def replace_synonyms(words: Words) -> Words:
    """Replace synonyms by one word.

    Args:
        words: Words of :func:`words_of`.

    Returns:
        The words, of which several may have become one.

    Example:
        >>> replace_synonyms(("batchnorm", "0"))
        ('bn', '0')
    """
    replaced: list[str] = []
    position = 0
    while position < len(words):
        for word, synonym in _BY_FIRST.get(words[position], ()):
            if words[position : position + len(synonym)] == synonym:
                replaced.append(word)
                position += len(synonym)
                break
        else:
            replaced.append(words[position])
            position += 1
    return tuple(replaced)


_BY_FIRST: dict[str, list[tuple[str, Words]]] = defaultdict(list)
"""Synonyms by their first word, the longest first."""
for _word, _synonym in sorted(
    ((word, synonym) for word, synonyms in SYNONYMS.items() for synonym in synonyms), key=lambda item: -len(item[1])
):
    _BY_FIRST[_synonym[0]].append((_word, _synonym))

_LEVELS: tuple[tuple[str, _Keys], ...] = (
    ("name", lambda item: item.names),
    ("spelling", lambda item: filter(None, item.words)),
    ("spelling without prefix", lambda item: filter(None, (*item.words, *item.unprefixed))),
    (
        "usual synonyms",
        lambda item: map(replace_synonyms, filter(None, dict.fromkeys((*item.words, *item.unprefixed)))),
    ),
)
