"""Matching by name: the same name first, then its usual spellings, each only where it leaves no choice.

The spellings, from strict to loose: the very name; its words, whatever separates them (``conv1_1``, ``conv1.1``;
``stage1_unit1_bn1``, ``stage1.unit1.bn1``) and without Gluon's ``_fwd``; without the words all names begin with
(``resnetv10_``, ``module.``); with one word for what frameworks call differently (``batchnorm0``, ``bn0``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Callable, Iterable, Sequence, Tuple

from neutral.matching.compatibility import check_compatibility, kinds_are_compatible, shape_problem
from neutral.matching.matcher import Match, Matching, Remark
from neutral.matching.network import Network

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
"""Each word, and what else it is called."""


@dataclass(frozen=True)
class _Named:
    """Something to be matched: a layer, or one tensor of it, and the words of its names with and without prefix."""

    layer: str
    role: str | None
    names: tuple[str, ...]
    words: tuple[Words, ...]
    bare: tuple[Words, ...]


class NameMatcher:
    """Matches layers, then the single tensors of layers that only one side can type."""

    def match(self, stored: Network, module: Network, found: Matching) -> Matching:
        new = Matching()
        for describe in (_layers, _tensors):
            ours, theirs = describe(stored), describe(module)
            for level, keys in _LEVELS:
                so_far = Matching(found.matches + new.matches)
                open_stored, open_module = so_far.open_stored(stored), so_far.open_module(module)
                more = _pair(
                    [item for item in ours if (item.layer, item.role) in open_stored],
                    [item for item in theirs if (item.layer, item.role) in open_module],
                    level,
                    keys,
                    stored,
                    module,
                )
                new = Matching(new.matches + more.matches, new.remarks + more.remarks)
        return Matching(new.matches, tuple(dict.fromkeys(new.remarks)))


def _pair(
    ours: Sequence[_Named],
    theirs: Sequence[_Named],
    level: str,
    keys: Callable[[_Named], Iterable[object]],
    stored: Network,
    module: Network,
) -> Matching:
    """Match what shares a key with one partner only; remark where a shared key leads to no match."""
    by_key: dict[object, list[_Named]] = defaultdict(list)
    for b in theirs:
        for key in dict.fromkeys(keys(b)):
            by_key[key].append(b)
    partners: dict[_Named, list[_Named]] = {}
    suitors: dict[_Named, list[_Named]] = defaultdict(list)
    matches: list[Match] = []
    remarks: list[Remark] = []

    def remark(a: _Named, b: _Named, text: str) -> None:
        remarks.extend((Remark("stored", a.layer, text), Remark("module", b.layer, text)))

    for a in ours:
        named_so = dict.fromkeys(b for key in keys(a) for b in by_key.get(key, ()))
        partners[a] = [b for b in named_so if _comparable(stored, a, module, b)]
        for b in partners[a]:
            suitors[b].append(a)
        if a.role is None and not partners[a]:
            for b in named_so:
                kinds = stored.layers[a.layer].kind, module.layers[b.layer].kind
                remark(a, b, f"the stored {a.layer} is a {kinds[0]}, the module's {b.layer} a {kinds[1]}")
    for a, targets in partners.items():
        rivals = dict.fromkeys(rival for b in targets for rival in suitors[b])
        # stored layers with the very same tensors may share a module, which is then called more than once
        decided = len(targets) == 1 and len({_content(stored, rival) for rival in rivals}) == 1
        for b in targets:
            problem, roles = _check(stored, a, module, b)
            if not decided:
                names = [", ".join(dict.fromkeys(item.layer for item in items)) for items in (rivals, targets)]
                remark(a, b, f"ambiguous: by {level}, the stored {names[0]} could be the module's {names[1]}")
            elif problem:
                remark(a, b, problem)
            else:
                detail = "" if level == "name" else level
                matches.append(Match(a.layer, b.layer, "name", detail, roles, whole=a.role is None))
    return Matching(tuple(matches), tuple(remarks))


def _content(stored: Network, item: _Named) -> object:
    tensors = stored.layers[item.layer].tensors
    return frozenset(tensors.items()) if item.role is None else tensors[item.role]


def _comparable(stored: Network, a: _Named, module: Network, b: _Named) -> bool:
    ours, theirs = stored.layers[a.layer], module.layers[b.layer]
    if a.role is None:
        return kinds_are_compatible(ours, theirs)
    return "parameter" in (ours.kind, theirs.kind)


def _check(stored: Network, a: _Named, module: Network, b: _Named) -> tuple[str | None, dict[str, str]]:
    if a.role is None or b.role is None:
        verdict = check_compatibility(stored, a.layer, module, b.layer)
        return verdict.problem, dict(verdict.roles)
    return shape_problem(stored, a.layer, a.role, module, b.layer, b.role), {a.role: b.role}


def _layers(side: Network) -> list[_Named]:
    return _named(
        [
            (layer.name, None, tuple(dict.fromkeys(filter(None, (layer.name, layer.source.node)))))
            for layer in side.layers.values()
        ]
    )


def _tensors(side: Network) -> list[_Named]:
    found: list[tuple[str, str | None, tuple[str, ...]]] = []
    for layer in side.layers.values():
        for role, name in layer.tensors.items():
            parameter = layer.kind == "parameter"
            found.append((layer.name, role, (layer.name,) if parameter else (f"{layer.name}.{role}", name)))
    return _named(found)


def _named(items: list[tuple[str, str | None, tuple[str, ...]]]) -> list[_Named]:
    prefix = common_prefix([names[0] for _, _, names in items if names])
    result = []
    for layer, role, names in items:
        words = tuple(words_of(name) for name in names)
        bare = tuple(w[len(prefix) :] if w[: len(prefix)] == prefix else w for w in words)
        result.append(_Named(layer, role, names, words, bare))
    return result


def words_of(name: str) -> Words:
    """The words and numbers of a name in lower case, without Gluon's ``_fwd``.

    >>> words_of("stage1_unit1_bn1") == words_of("stage1.unit1.bn1")
    True
    """
    words = tuple(WORDS.findall(name.lower()))
    return words[:-1] if len(words) > 1 and words[-1] == "fwd" else words


def common_prefix(names: Sequence[str]) -> Words:
    """The words of the separated parts with which every name begins, never a whole name.

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


def plain(words: Words) -> Words:
    """With one word for what is called differently."""
    result: list[str] = []
    position = 0
    while position < len(words):
        for word, others in _BY_FIRST.get(words[position], ()):
            if words[position : position + len(others)] == others:
                result.append(word)
                position += len(others)
                break
        else:
            result.append(words[position])
            position += 1
    return tuple(result)


_BY_FIRST: dict[str, list[tuple[str, Words]]] = defaultdict(list)
"""Synonyms by their first word, the longest first."""
for _word, _other in sorted(
    ((word, other) for word, others in SYNONYMS.items() for other in others), key=lambda item: -len(item[1])
):
    _BY_FIRST[_other[0]].append((_word, _other))

_LEVELS: tuple[tuple[str, Callable[[_Named], Iterable[object]]], ...] = (
    ("name", lambda item: item.names),
    ("spelling", lambda item: filter(None, item.words)),
    ("spelling without prefix", lambda item: filter(None, (*item.words, *item.bare))),
    ("usual synonyms", lambda item: (plain(words) for words in (*item.words, *item.bare) if words)),
)
