"""Make a plan: match the layers of a store and a module, then account for every tensor of both."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Iterator, Mapping, Sequence

from neutral.gc_pause import gc_paused
from neutral.matching.allowances import allow_differences
from neutral.matching.ambiguities import resolve_ambiguities
from neutral.matching.dataflow_conflicts import DataflowConflicts, find_dataflow_conflicts
from neutral.matching.leftovers import find_unfilled, find_unused
from neutral.matching.mapping_file import Mappable, resolve_mapping
from neutral.matching.mapping_matcher import MappingMatcher
from neutral.matching.matcher import Matcher, Matching, run_matchers
from neutral.matching.network import Network, describe_store
from neutral.matching.packed_vectors import name_mapped_vectors, propose_unpacking
from neutral.matching.pairs import make_pairs
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair
from neutral.matching.refusal import refuse
from neutral.matching.regroup import regroup_layers
from neutral.matching.regroup_proposals import describe_foldable_norms, propose_regroupings
from neutral.matching.structure import NoNames, StructureMatcher
from neutral.matching.target import Target
from neutral.matching.value_checks import describe_split_tensors, find_value_conflicts
from neutral.store import Store
from neutral.store.structure import require_valid

Prover = Callable[[Store, Plan], bool]
"""Return whether a module that is filled by the plan reproduces recorded values."""


@gc_paused()
def make_plan(
    target: Target,
    store: Store,
    mapping: Mappable = None,
    *,
    strict: bool = True,
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
    allow_attributes: Iterable[str] = (),
    set_attributes: bool = False,
    fold_batch_norms: bool = False,
    prove: Prover | None = None,
) -> Plan:
    """Plan how a store fills a module. No tensor of the module is touched.

    Args:
        target: The module. Its dataflow is compared with the store's where ``target.network`` has a graph.
        store: The store; its values are read only where a plan depends on them.
        mapping: Stored layers (or tensor keys) to module paths (or parameter names), a plan, or the path of a TOML
            file with either. Layers that a mapping does not name are matched by names and structure; a plan is
            complete.
        strict: Refuse unmatched layers, dataflow conflicts, and attributes that change the results. With False they
            are only reported; shape, value and ambiguity conflicts always raise.
        allow_unused: Patterns of stored layers that may stay unused.
        allow_missing: Patterns of the module's layers or tensors that may stay unfilled.
        allow_attributes: Patterns of attributes that may differ though they change the results: ``eps``,
            ``conv1.stride``, by the layer's name on either side.
        set_attributes: Accept differences of attributes that the module can be given; the load then has to do so.
        fold_batch_norms: Fold batch norms that the module lacks into the layers before them.
        prove: Decide ambiguities by a test of each candidate plan; without it they stay open.

    Returns:
        The plan, pairs in the store's order.

    Raises:
        MatchError: The store does not fit the module.
        UsageError: The mapping names an unknown layer, tensor or module.
        SourceError: The file of the mapping cannot be read.
        StoreError: The store comes from a file and contradicts the catalogue.

    Example:
        >>> import numpy
        >>> from neutral.graph import Layer
        >>> from neutral.matching.network import Network
        >>> from neutral.tensor import from_numpy
        >>> class Description:
        ...     name = "Net"
        ...     network = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, {"fc.weight": (2, 3)})
        ...     probe = None
        ...     def implied_attributes(self, layer):
        ...         return {}
        ...     def can_set(self, layer, attribute, value):
        ...         return False
        >>> layer = Layer("fc", "linear", {"out_features": 2, "flatten": False}, {"weight": "fc_weight"})
        >>> store = Store({"fc": layer}, {"fc_weight": from_numpy(numpy.zeros((2, 3), "float32"))})
        >>> plan = make_plan(Description(), store)
        >>> [(pair.layer, pair.module, pair.tensors) for pair in plan.pairs]
        [('fc', 'fc', {'weight': 'fc.weight'})]
    """
    if store.path is not None or store.source is not None:
        require_valid(store)
    mapping = resolve_mapping(mapping)
    if isinstance(mapping, Plan):
        allow_unused = (*allow_unused, *(glob.escape(item.name) for item in mapping.unused if item.allowed))
        allow_missing = (*allow_missing, *(glob.escape(item.name) for item in mapping.unfilled if item.allowed))
        kept = (f"{pair.layer}.{item.attribute}" for pair, item in mapping.differences if item.allowed)
        allow_attributes = (*allow_attributes, *map(glob.escape, kept))
    elif mapping:
        mapping = name_mapped_vectors(mapping, store, target.network)
    layers = [pair.layer for pair in mapping.pairs] if isinstance(mapping, Plan) else mapping or ()
    search = _Search(target, _matchers(mapping), prove)
    candidate = search.best_match(regroup_layers(store, layers), fold_batch_norms)
    store, stored, module = candidate.store, candidate.stored, target.network
    matching, dataflow = candidate.matching, candidate.dataflow
    pairs = tuple(allow_differences(candidate.pairs, target, tuple(allow_attributes), set_attributes))
    offers = () if fold_batch_norms else tuple(describe_foldable_norms(store, candidate.unmatched_stored))
    offers = (*offers, *(text for path, text in module.hints.items() if _is_open(path, candidate, module)))
    plan = Plan(
        pairs,
        find_unused(pairs, matching, stored, tuple(allow_unused)),
        find_unfilled(pairs, matching, module, tuple(allow_missing)),
        (
            *describe_split_tensors(pairs, stored, module),
            *dataflow.notes,
            *candidate.notes,
            *_unproven(pairs, stored, module),
            *offers,
        ),
        dataflow.conflicts,
    )
    conflicts = tuple(find_value_conflicts(pairs, store, module))
    if conflicts or (strict and plan.problems):
        raise refuse(target, store, plan if strict else replace(plan, conflicts=()), conflicts, offers)
    return plan


@dataclass(frozen=True)
class _Candidate:
    """The matching of one grouping of the store's layers."""

    store: Store
    stored: Network
    matching: Matching
    dataflow: DataflowConflicts
    pairs: tuple[Pair, ...]
    unmatched_stored: set[str]
    unmatched_module: set[str]
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> int:
        return len(self.unmatched_stored) + len(self.unmatched_module) + len(self.dataflow.conflicts)


@dataclass(frozen=True)
class _Search:
    """Matches groupings of a store's layers with one module."""

    target: Target
    matchers: Sequence[Matcher]
    prove: Prover | None

    def best_match(self, store: Store, fold_batch_norms: bool) -> _Candidate:
        """Return the match of the store, or of the regrouping of its layers that leaves the least over."""
        module = self.target.network
        best = self.match(store)
        if best.cost:
            best = self._with_unpacked_vectors(store, best)
            store = best.store
        if best.dataflow.conflicts and module.graph is not None:
            best = self._without_names(store, best)
        if best.cost and module.graph is not None:
            unmatched = best.unmatched_stored, best.unmatched_module
            for names in propose_regroupings(store, *unmatched, module, fold_batch_norms):
                best = min(best, self.match(regroup_layers(store, names)), key=lambda candidate: candidate.cost)
        return best

    def _with_unpacked_vectors(self, store: Store, packed: _Candidate) -> _Candidate:
        """Return the match with vectors read as the recurrent layers that they alone fit, if that leaves less over."""
        unmatched = packed.unmatched_stored, packed.unmatched_module
        names = dict(propose_unpacking(store, *unmatched, self.target.network))
        candidate = self.match(regroup_layers(store, names)) if names else packed
        if candidate.cost >= packed.cost:
            return packed
        notes = (
            f"stored {name} fills the module's {layer}: inferred from the number of its elements alone"
            for name, layer in names.items()
        )
        return replace(candidate, notes=tuple(notes))

    def _without_names(self, store: Store, named: _Candidate) -> _Candidate:
        """Return the match by dataflow alone if that has no conflict where the one by names has."""
        matchers = tuple(
            replace(matcher, names=NoNames()) if isinstance(matcher, StructureMatcher) else matcher
            for matcher in self.matchers
        )
        candidate = replace(self, matchers=matchers).match(store)
        if candidate.dataflow.conflicts or candidate.cost >= named.cost:
            return named
        by_name = {match.stored: match.module for match in named.matching.matches}
        changed = [item for item in candidate.matching.matches if by_name.get(item.stored) not in (None, item.module)]
        if not changed:
            return candidate
        first = changed[0]
        note = (
            f"{len(changed)} layers are matched against their names, which contradict the dataflow: by name stored "
            f"{first.stored} is the module's {by_name[first.stored]}, by dataflow it is {first.module}"
        )
        return replace(candidate, notes=(note,))

    def match(self, store: Store) -> _Candidate:
        stored, module = describe_store(store), self.target.network

        def rematch(given: Matching) -> Matching:
            return run_matchers(self.matchers, stored, module, given)

        matching = rematch(Matching())
        if matching.ambiguities and self.prove is not None:
            prove = self.prove
            matching = resolve_ambiguities(
                stored,
                module,
                matching,
                rematch,
                lambda resolved: prove(store, Plan(make_pairs(resolved, stored, self.target))),
            )
        pairs, dataflow = make_pairs(matching, stored, self.target), DataflowConflicts()
        if self.target.probe is not None and module.graph is not None:
            dataflow = find_dataflow_conflicts(stored, module, matching, self.target.probe)
            pairs = tuple(_without_compensated_layouts(pair, dataflow) for pair in pairs)
        unmatched_stored, unmatched_module = (
            {name for name, role in items if role is None}
            for items in (matching.unmatched_stored(stored), matching.unmatched_module(module))
        )
        return _Candidate(store, stored, matching, dataflow, pairs, unmatched_stored, unmatched_module)


def _without_compensated_layouts(pair: Pair, dataflow: DataflowConflicts) -> Pair:
    """Drop layout differences of a pair whose surroundings were compared: they compensate it, or are a conflict."""
    if any(f"not compared, of stored {pair.layer} " in note for note in dataflow.notes):
        return pair
    return replace(pair, differences=tuple(item for item in pair.differences if item.effect != "layout"))


def _is_open(path: str, candidate: _Candidate, module: Network) -> bool:
    """Return whether a layer in the module at a path has no partner."""
    prefix = f"{path}." if path else ""
    return any(name == path or name.startswith(prefix) for name in candidate.unmatched_module)


def _unproven(pairs: Sequence[Pair], stored: Network, module: Network) -> Iterator[str]:
    if module.graph is None and stored.graph is not None and any(pair.reason == "name" for pair in pairs):
        yield "matched by names alone; with an example or a golden file the dataflow is compared too"


def _matchers(mapping: Plan | Mapping[str, str] | None) -> Sequence[Matcher]:
    """Return the matcher of a complete plan, or those of a mapping and of the layers that it does not name."""
    if not isinstance(mapping, Plan):
        return (MappingMatcher(mapping), StructureMatcher()) if mapping else (StructureMatcher(),)
    entries: dict[str, str] = {}
    details: dict[str, str] = {}
    layouts = {pair.layer: pair.layouts for pair in mapping.pairs if pair.layouts}
    for pair in mapping.pairs:
        new = {pair.layer: pair.module}
        if not pair.is_whole:
            new = {f"{pair.layer}.{role}": name for role, name in pair.tensors.items()}
        entries.update(new)
        details.update(dict.fromkeys(new, pair.detail if pair.reason == "mapping" else f"plan: {pair.reason}"))
    return (MappingMatcher(entries, details, layouts),)
