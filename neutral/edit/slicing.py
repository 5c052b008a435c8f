"""Slice a store: some of its layers, or the part of its graph that computes a node."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Sequence

from neutral.edit.derived import derive, matches_any
from neutral.errors import UsageError
from neutral.graph import Graph, Value
from neutral.rewriting import reachable
from neutral.store import Store
from neutral.store.structure import require_valid
from neutral.text import suggestion


def slice_layers(store: Store, patterns: Sequence[str], *, output: str | None = None) -> Store:
    """Return a store of some layers.

    Args:
        store: The store; it is not changed.
        patterns: Shell patterns of layer names. Empty with ``output``: all layers of the cut graph.
        output: The name of a node at which the graph is cut; the patterns choose among the layers before it.

    Returns:
        The layers, with the graph if every layer that it uses is among them.

    Raises:
        UsageError: If a pattern matches no layer, or the graph lacks the node.
        StoreError: If the store contradicts the catalogue.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layers = {name: Layer(name, "parameter", {}, {"value": name}) for name in ("a0", "a1", "b")}
        >>> store = Store(layers, {name: from_numpy(np.ones(3, np.float32)) for name in layers})
        >>> list(slice_layers(store, ["a*"]).layers)
        ['a0', 'a1']
    """
    require_valid(store)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in store.layers):
            raise UsageError(
                f"{store.path or 'the store'}: no layer matches {pattern!r}.{suggestion(pattern, store.layers)}"
            )
    graph = store.graph
    names = set(store.layers)
    if output is not None:
        graph = _cut(store, output)
        names = set(graph.layer_names())
    if patterns:
        names = {name for name in names if matches_any(name, patterns)}
    if graph is not None and not set(graph.layer_names()) <= names:
        graph = None
    layers = {name: layer for name, layer in store.layers.items() if name in names}
    end = f", up to node {output!r}" if output else ""
    note = f"sliced: {len(layers)} of the {len(store.layers)} layers of a store{end}"  # stays true of a merged store
    return derive(store, layers, store.tensors, graph, note)


def _cut(store: Store, output: str) -> Graph:
    """Return the part of the graph that computes a node."""
    graph = store.graph
    if graph is None:
        raise UsageError(f"{store.path or 'the store'}: it has no graph to cut at {output!r}; name layers instead.")
    if not any(node.name == output for node in graph.nodes):
        close = suggestion(output, (node.name for node in graph.nodes))
        raise UsageError(f"{store.path or 'the store'}: the graph has no node {output!r}.{close}")
    outputs = (Value(output),)
    nodes, needed = reachable(graph.nodes, outputs)
    return Graph(tuple(each for each in graph.inputs if each.name in needed), tuple(nodes), outputs)
