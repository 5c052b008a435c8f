"""Propose regroupings of stored layers that have no partner in a module."""

from __future__ import annotations

from itertools import permutations
from typing import Iterator, Sequence

from neutral.graph import Graph, Layer, Node, Value
from neutral.matching.heuristics import HEURISTICS
from neutral.matching.network import Network
from neutral.matching.regroup import folded_name, joined_name, rows_name
from neutral.matching.regroup_rewrites import OUTPUT_SIZE, output_ranges, row_count
from neutral.rewriting import UseDef
from neutral.store import Store


def propose_regroupings(
    store: Store, unmatched_stored: set[str], unmatched_module: set[str], module: Network, fold: bool
) -> Iterator[list[str]]:
    """Yield regroupings of the unmatched stored layers, the likeliest first.

    Args:
        store: A store; without a graph there are no proposals.
        unmatched_stored: Its layers without a partner.
        unmatched_module: The module's layers without a partner.
        module: The module's network.
        fold: Propose to fold batch norms into the layers before them.

    Yields:
        Names for :func:`neutral.matching.regroup.regroup_layers`.
    """
    if store.graph is None:
        return
    uses = _Uses(store.graph)
    layers = [store.layers[name] for name in store.layers if name in unmatched_stored]
    maps = [layer for layer in layers if layer.kind in OUTPUT_SIZE and "weight" in layer.tensors]
    slices = [
        rows_name(layer.name, *cut)
        for layer in maps
        for cut in uses.separate_ranges(layer, row_count(store, layer))
        if unmatched_module
    ]
    folds = [name for layer in layers for name in _fold_of(uses, store, layer)] if fold else []
    if slices or folds:
        yield [*slices, *folds]
    sizes = {module.shape(name, "weight")[0] for name in unmatched_module if "weight" in module.layers[name].tensors}
    joinable = [
        names
        for names in uses.joinable_layers(maps)
        if len(names) <= HEURISTICS.max_joined_layers
        and sum(row_count(store, store.layers[name]) for name in names) in sizes
    ]
    for order in permutations(range(HEURISTICS.max_joined_layers)) if joinable else ():
        ordered = [[names[place] for place in order if place < len(names)] for names in joinable]
        yield [*map(joined_name, ordered), *folds]


def describe_foldable_norms(store: Store, unmatched_stored: set[str]) -> Iterator[str]:
    """Yield a hint for each unmatched batch norm that could be folded into the layer before it.

    Args:
        store: The store; without a graph there are no hints.
        unmatched_stored: Names of the stored layers that no match uses.

    Yields:
        A line that names the batch norm and the option.
    """
    if store.graph is None:
        return
    uses = _Uses(store.graph)
    for name, layer in store.layers.items():
        if name in unmatched_stored and any(_fold_of(uses, store, layer)):
            option = "fold_batch_norms=True (--fold-batch-norms)"
            yield f"batch norm {name} can be folded into the layer before it: {option}"


def _fold_of(uses: _Uses, store: Store, layer: Layer) -> Iterator[str]:
    before = uses.layer_before(layer.name) if layer.kind == "batch_norm" else None
    if before is not None and "weight" in store.layers[before].tensors:
        yield folded_name(before, layer.name)


class _Uses:
    """The uses of layers in a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.chains = UseDef(graph.nodes, graph.outputs)
        self.nodes: dict[str | None, list[Node]] = {}
        for node in graph.nodes:
            self.nodes.setdefault(node.layer, []).append(node)

    def separate_ranges(self, layer: Layer, rows: int) -> list[tuple[int, int]]:
        """Return the ranges of rows that the graph uses apart; none where it also uses the result as a whole."""
        nodes = self.nodes.get(layer.name, [])
        if layer.kind not in OUTPUT_SIZE or len(nodes) != 1:
            return []
        groups = layer.attributes.get("groups", 1)
        if groups > 1:
            step = rows // groups
            return [(start, start + step) for start in range(0, rows, step)]
        value = Value(nodes[0].name)
        if value in self.chains.outputs:
            return []
        ranges: set[tuple[int, int]] = set()
        for user in self.chains.users.get(value, ()):
            cuts = output_ranges(user, layer, rows)
            if not cuts:
                return []
            ranges.update(cuts.values())
        return sorted(ranges)

    def joinable_layers(self, layers: Sequence[Layer]) -> Iterator[list[str]]:
        """Yield layers of one input, equal but for their number of rows, each used once."""
        candidates = {layer.name: layer for layer in layers if len(self.nodes.get(layer.name, ())) == 1}
        groups: dict[object, list[str]] = {}
        for node in self.graph.nodes:
            layer = candidates.get(node.layer or "")
            if layer is not None:
                rest = {name: value for name, value in layer.attributes.items() if name != OUTPUT_SIZE[layer.kind]}
                groups.setdefault((node.inputs, layer.kind, repr(sorted(rest.items()))), []).append(layer.name)
        yield from (names for names in groups.values() if len(names) > 1)

    def layer_before(self, norm: str) -> str | None:
        """Return the convolution or linear layer whose result only this batch norm uses, None where there is none."""
        nodes = self.nodes.get(norm, [])
        source = nodes[0].inputs[0] if len(nodes) == 1 else None
        maker = self.chains.definition(source)
        if maker is None or maker.kind not in OUTPUT_SIZE or not self.chains.is_private(Value(maker.name), nodes):
            return None
        return maker.layer
