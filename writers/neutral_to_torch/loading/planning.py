"""Making a plan: match, then account for every stored tensor and every tensor of the module."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Iterable, Iterator, Mapping, Sequence, Union

from torch import nn

from neutral.dtypes import NUMPY_DTYPE
from neutral.errors import MatchError, UsageError
from neutral.graph import Layer
from neutral.matching import (
    MappingMatcher,
    Match,
    Matcher,
    Matching,
    Network,
    StructureMatcher,
    check_compatibility,
    describe_store,
    run_matchers,
)
from neutral.matching.attributes import Difference, differences
from neutral.matching.plan import Leftover, Pair, Plan, child, read_mapping
from neutral.matching.regroup import foldable, regrouped, regroupings
from neutral.store import Store
from neutral.tensor import Tensor
from neutral.verification.golden import Golden, open_golden
from neutral_to_torch.adapters import adapter_of, describe
from neutral_to_torch.loading.ambiguities import reproduces, resolve
from neutral_to_torch.loading.contradict import Contradictions, contradictions
from neutral_to_torch.trace import Traced, trace
from neutral_to_torch.trace.examples import Arguments, given_arguments, golden_arguments, made_arguments

Mappable = Union["Mapping[str, str]", Plan, str, "os.PathLike[str]", None]
"""What is accepted as a mapping: a dict, a plan, or the path of a TOML file with either."""


def make_plan(
    module: nn.Module,
    store: Store,
    mapping: Mappable = None,
    example: Any = None,
    *,
    golden: str | os.PathLike[str] | Golden | None = None,
    strict: bool = True,
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
    fold_batch_norms: bool = False,
) -> Plan:
    """How ``store`` would be loaded into ``module``; nothing is touched. See :func:`neutral_to_torch.load_into`.

    Not ``strict``, leftovers on both sides are in the plan only; what cannot be loaded rightly is an error always.
    """
    if isinstance(mapping, (str, os.PathLike)):
        mapping = read_mapping(mapping)
    if isinstance(mapping, Plan):
        allow_unused = (*allow_unused, *(glob.escape(item.name) for item in mapping.unused if item.allowed))
        allow_missing = (*allow_missing, *(glob.escape(item.name) for item in mapping.unfilled if item.allowed))
    if golden is not None and not isinstance(golden, Golden):
        golden = open_golden(golden)
    named = [pair.layer for pair in mapping.pairs] if isinstance(mapping, Plan) else mapping or ()
    store = regrouped(store, named)
    traced = None if isinstance(mapping, Plan) else _traced(module, store, example, golden)
    theirs = describe(module) if traced is None else traced.side
    matching = _Matching(module, theirs, traced, _matchers(mapping), golden)
    matched = matching.of(store)
    if matched.left and traced is not None:
        for names in regroupings(store, matched.open_stored, matched.open_module, theirs, fold_batch_norms):
            again = matching.of(regrouped(store, names))
            matched = min(matched, again, key=lambda one: one.left)
    store, ours, found, other = matched.store, matched.ours, matched.found, matched.other
    pairs = _pairs(found, ours, theirs, module)
    if traced is not None:
        pairs = tuple(_in_its_place(pair, other) for pair in pairs)
    conflicts = [*_value_problems(pairs, store, theirs), *_tie_problems(pairs, store, theirs)]
    offers = () if fold_batch_norms else tuple(foldable(store, matched.open_stored))
    plan = Plan(
        pairs,
        _unused(pairs, found, ours, tuple(allow_unused)),
        _unfilled(pairs, found, theirs, tuple(allow_missing)),
        (*_tie_notes(pairs, ours, theirs), *other.notes, *_unproven(pairs, store, traced), *offers),
        other.conflicts,
    )
    if conflicts or (strict and plan.problems):
        raise MatchError(_refusal(module, store, (*conflicts, *(plan.problems if strict else ())), offers))
    return plan


@dataclass(frozen=True)
class _Matched:
    """What was found for a store, or for one with its layers regrouped."""

    store: Store
    ours: Network
    found: Matching
    other: Contradictions
    open_stored: set[str]
    open_module: set[str]

    @property
    def left(self) -> int:
        return len(self.open_stored) + len(self.open_module) + len(self.other.conflicts)


@dataclass(frozen=True)
class _Matching:
    """Matches stores with one module."""

    module: nn.Module
    theirs: Network
    traced: Traced | None
    matchers: Sequence[Matcher]
    golden: Golden | None

    def of(self, store: Store) -> _Matched:
        ours = describe_store(store)
        found = run_matchers(self.matchers, ours, self.theirs)
        if found.ambiguities and self.golden is not None:
            golden = self.golden
            found = resolve(
                ours,
                self.theirs,
                found,
                lambda given: run_matchers(self.matchers, ours, self.theirs, given),
                lambda way: reproduces(self.module, store, Plan(_pairs(way, ours, self.theirs, self.module)), golden),
            )
        other = Contradictions() if self.traced is None else contradictions(ours, self.traced, found)
        left = (found.open_stored(ours), found.open_module(self.theirs))
        return _Matched(store, ours, found, other, *({name for name, role in side if role is None} for side in left))


def _in_its_place(pair: Pair, other: Contradictions) -> Pair:
    """A pair whose surroundings were compared: a layout that differs is made up for by them, or is a conflict."""
    if any(f"not compared, of stored {pair.layer} " in note for note in other.notes):
        return pair
    return replace(pair, differences=tuple(item for item in pair.differences if item.effect != "layout"))


def _unproven(pairs: Sequence[Pair], store: Store, traced: Traced | None) -> Iterator[str]:
    if traced is None and store.graph is not None and any(pair.reason == "name" for pair in pairs):
        yield "matched by names alone; with an example or a golden file the dataflow is compared too"


def _matchers(mapping: Plan | Mapping[str, str] | None) -> Sequence[Matcher]:
    """A plan says everything; a mapping says something, and names the rest."""
    if isinstance(mapping, Plan):
        entries: dict[str, str] = {}
        details: dict[str, str] = {}
        for pair in mapping.pairs:
            new = {pair.layer: pair.module}
            if not pair.is_whole:
                new = {f"{pair.layer}.{role}": name for role, name in pair.tensors.items()}
            entries.update(new)
            details.update(dict.fromkeys(new, pair.detail if pair.reason == "mapping" else f"plan: {pair.reason}"))
        return (MappingMatcher(entries, details),)
    return (MappingMatcher(mapping), StructureMatcher()) if mapping else (StructureMatcher(),)


def _traced(module: nn.Module, store: Store, example: Any, golden: Golden | None) -> Traced | None:
    """The module's dataflow, where the store has one to compare it with and there is something to run the module on."""
    if store.graph is None:
        return None
    made: Arguments | None = None
    if example is not None:
        made = given_arguments(module, example)
    elif golden is not None:
        made = golden_arguments(module, golden)
    if made is not None:
        return trace(module, *made)
    made = made_arguments(module, store.graph)
    if made is None:
        return None
    try:
        return trace(module, *made)
    except UsageError:
        return None


def _pairs(found: Matching, ours: Network, theirs: Network, module: nn.Module) -> tuple[Pair, ...]:
    """Matches by the module that owns the tensors, in the store's order."""
    grouped: dict[tuple[str, str], list[Match]] = {}
    for match in found.matches:
        target = theirs.layers[match.module]
        owner = _owner(target)
        grouped.setdefault((match.stored, owner), []).append(match)
    uses = _uses(ours, {match.stored for match in found.matches})
    order = {name: position for position, name in enumerate(ours.layers)}
    pairs = []
    for (name, owner), matches in sorted(grouped.items(), key=lambda item: order[item[0][0]]):
        layer, first = ours.layers[name], matches[0]
        tensors = {
            role: theirs.layers[match.module].tensors[other] for match in matches for role, other in match.roles.items()
        }
        verdict = check_compatibility(ours, name, theirs, first.module) if first.whole else None
        pairs.append(
            Pair(
                layer=name,
                module=owner,
                kind=layer.kind,
                reason=first.reason,
                detail=first.detail,
                tensors=tensors,
                dropped=verdict.dropped if verdict else {},
                constants=verdict.constants if verdict else {},
                differences=_differences(layer, theirs, first, module),
                nodes=uses.get(name, ()),
            )
        )
    return tuple(pairs)


def _owner(target: Layer) -> str:
    """The path of the module that owns a layer's tensors."""
    if target.tensors and not all(name == child(target.name, role) for role, name in target.tensors.items()):
        return next(iter(target.tensors.values())).rpartition(".")[0]
    return target.name


def _differences(layer: Layer, theirs: Network, match: Match, module: nn.Module) -> tuple[Difference, ...]:
    target = theirs.layers[match.module]
    if not match.whole or target.kind == "parameter":
        return ()
    is_module = _owner(target) == target.name
    adapter = adapter_of(module.get_submodule(target.name)) if is_module else None
    return differences(layer, target, adapter.implied if adapter is not None else {})


def _uses(ours: Network, matched: set[str]) -> dict[str, tuple[str, ...]]:
    """The graph's nodes that use each matched layer's tensors, in execution order; without a graph, its source's node.

    The nodes of a layer that is not matched go to the first matched one with the very same tensors.
    """
    if ours.graph is None:
        return {name: (ours.layers[name].source.node or name,) for name in matched}
    content = {name: frozenset(layer.tensors.items()) for name, layer in ours.layers.items()}
    first: dict[object, str] = {}
    for name in ours.layers:
        if name in matched:
            first.setdefault(content[name], name)
    uses: dict[str, list[str]] = {name: [] for name in matched}
    for node in ours.graph.nodes:
        if node.layer is not None and node.layer in content:
            owner = node.layer if node.layer in matched else first.get(content[node.layer])
            if owner is not None:
                uses[owner].append(node.name)
    return {name: tuple(nodes) for name, nodes in uses.items()}


def _unused(pairs: Sequence[Pair], found: Matching, ours: Network, allowed: tuple[str, ...]) -> tuple[Leftover, ...]:
    used = {ours.layers[p.layer].tensors[role] for p in pairs for role in (*p.tensors, *p.dropped)}
    remarks = _remarks(found, "stored")
    in_graph = None if ours.graph is None else set(ours.graph.layer_names())
    leftovers = []
    for name, layer in ours.layers.items():
        left = [role for role, key in layer.tensors.items() if key not in used]
        if not left:
            continue
        for item in [name] if len(left) == len(layer.tensors) else [f"{name}.{role}" for role in left]:
            if in_graph is not None and name not in in_graph:
                leftovers.append(Leftover(item, "the stored graph does not use it either", True))
                continue
            shapes = ", ".join(f"{role} {ours.shape(name, role)}" for role in left)
            why = remarks.get(name, f"the module has nothing of its name ({layer.kind}, {shapes})")
            leftovers.append(Leftover(item, why, _is_allowed((name, item), allowed)))
    return tuple(leftovers)


def _unfilled(
    pairs: Sequence[Pair], found: Matching, theirs: Network, allowed: tuple[str, ...]
) -> tuple[Leftover, ...]:
    names = [name for pair in pairs for name in _filled_by(pair)]
    filled = {theirs.shared_tensors.get(name, name) for name in names}
    remarks = _remarks(found, "module")
    leftovers = []
    for layer in theirs.layers.values():
        for name in layer.tensors.values():
            if theirs.shared_tensors.get(name, name) not in filled:
                why = remarks.get(
                    layer.name, f"the store has nothing of its name ({layer.kind}, {theirs.shapes[name]})"
                )
                leftovers.append(Leftover(name, why, _is_allowed((layer.name, name), allowed)))
    return tuple(leftovers)


def _filled_by(pair: Pair) -> Iterator[str]:
    yield from pair.tensors.values()
    yield from (child(pair.module, role) for role in pair.constants)


def _remarks(found: Matching, side: str) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for remark in found.remarks:
        if remark.side == side and remark.text not in texts.setdefault(remark.name, []):
            texts[remark.name].append(remark.text)
    return {name: "; ".join(items[:3]) for name, items in texts.items()}


def _is_allowed(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _value_problems(pairs: Sequence[Pair], store: Store, theirs: Network) -> Iterator[str]:
    """Roles that the module lacks may be left out only where their values do nothing."""
    for pair in pairs:
        for role, constant in pair.dropped.items():
            if not _is_constant(store.tensors[store.layers[pair.layer].tensors[role]], constant):
                yield (
                    f"stored layer {pair.layer} has a {role} that is not all {constant}, and the module's "
                    f"{pair.module or 'root'} has none. Give the module one."
                )

        if pair.kind == "prelu" and "weight" in pair.tensors:
            yield from _slope_problems(pair, store, theirs)


def _slope_problems(pair: Pair, store: Store, theirs: Network) -> Iterator[str]:
    """Slopes by channel fit a module with one slope where they are all the same."""
    slopes = store.tensors[store.layers[pair.layer].tensors["weight"]]
    if slopes.size > 1 and theirs.shapes[pair.tensors["weight"]] == (1,):
        values = slopes.numpy().reshape(-1)
        if (values != values[0]).any():
            yield (
                f"stored layer {pair.layer} has {slopes.size} different slopes and the module's {pair.module} has one. "
                f"Make it nn.PReLU({slopes.size})"
            )


def _is_constant(tensor: Tensor, constant: str) -> bool:
    import numpy as np

    values = tensor.numpy()
    one = 0x3F80 if tensor.dtype == "BF16" else np.ones((), NUMPY_DTYPE[tensor.dtype])
    return bool((values == (one if constant == "ones" else 0)).all())


def _tie_problems(pairs: Sequence[Pair], store: Store, theirs: Network) -> Iterator[str]:
    """A tensor of the module that is filled from two stored tensors needs them to be equal."""
    first: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            key = store.layers[pair.layer].tensors[role]
            other, layer = first.setdefault(theirs.shared_tensors.get(name, name), (key, pair.layer))
            if other != key and not _equal(store.tensors[key], store.tensors[other]):
                yield (
                    f"stored layers {layer} and {pair.layer} both belong to the module's {name}, "
                    f"but {other} and {key} are not equal"
                )


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and b"".join(a.chunks()) == b"".join(b.chunks())


def _tie_notes(pairs: Sequence[Pair], ours: Network, theirs: Network) -> Iterator[str]:
    targets: dict[str, dict[str, str]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            key = ours.layers[pair.layer].tensors[role]
            targets.setdefault(key, {}).setdefault(theirs.shared_tensors.get(name, name), name)
    for key, names in targets.items():
        if len(names) > 1:
            yield f"{key} is one tensor in the store and {len(names)} in the module: {', '.join(names.values())}"


def _refusal(module: nn.Module, store: Store, problems: Sequence[str], offers: Sequence[str]) -> str:
    shown = [f"  - {problem}" for problem in problems[:20]]
    if len(problems) > len(shown):
        shown.append(f"  and {len(problems) - len(shown)} more")
    return "\n".join(
        (
            f"{store.path or 'the store'} does not fit {type(module).__name__}; nothing has been loaded:",
            *shown,
            *(f"  - {offer}" for offer in offers),
            "Give a mapping for what belongs together; allow the rest by name (allow_unused, allow_missing).",
        )
    )
