"""Shorten a store's graph to the part of which a model was emitted that ends at one node, or at several."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import Iterator, Mapping, Sequence

from neutral.errors import UsageError
from neutral.graph import Graph
from neutral.rewriting.cut import cut, eliminate_dead_code
from neutral.store import Store


def stores_up_to_a_node(
    store: Store, shapes: Mapping[tuple[int, ...], int], may_lack: Sequence[str]
) -> Iterator[Store]:
    """Yield stores with the same tensors whose graphs end at one node, and read tensors of given shapes.

    Args:
        store: A store, perhaps with a graph.
        shapes: The number of tensors of each shape that the graph is to read.
        may_lack: Shell patterns of layers that the graph may leave out.

    Yields:
        Stores whose graphs leave out some of these layers and no other, that of the last node first.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Input, Layer, Node, Value
        >>> from neutral.tensor import from_numpy
        >>> layers = {name: Layer(name, "linear", {}, {"weight": f"{name}.weight"}) for name in ("fc1", "fc2")}
        >>> tensors = {f"{name}.weight": from_numpy(np.zeros((2, 2))) for name in layers}
        >>> nodes = (Node("fc1", "linear", (Value("x"),), {}, "fc1"), Node("fc2", "linear", (Value("fc1"),), {}, "fc2"))
        >>> store = Store(layers, tensors, Graph((Input("x"),), nodes, (Value("fc2"),)))
        >>> [shorter.graph.outputs[0].node for shorter in stores_up_to_a_node(store, {(2, 2): 1}, ["fc2"])]
        ['fc1']
        >>> list(stores_up_to_a_node(store, {(2, 2): 1}, []))
        []
    """
    graph = store.graph
    if graph is None:
        return
    used = set(graph.layer_names())
    required = {name for name in used if not any(fnmatchcase(name, pattern) for pattern in may_lack)}
    if required == used:
        return
    wanted = Counter(shapes)
    verdicts: dict[frozenset[str], bool] = {frozenset(used): False}
    for node, layers in reversed(_layers_before(graph).items()):
        if layers not in verdicts:
            keys = {key for name in layers for key in store.layers[name].tensors.values()}
            found = Counter(store.tensors[key].shape for key in keys)
            verdicts[layers] = required <= layers and found == wanted
        if verdicts[layers]:
            shorter = eliminate_dead_code(cut(graph, until=node))
            yield Store(store.layers, store.tensors, shorter, store.source, path=store.path)


def store_with_outputs(store: Store, outputs: Sequence[str], may_lack: Sequence[str]) -> Store | None:
    """Return a store with the same tensors whose graph has other outputs.

    Args:
        store: A store, perhaps with a graph.
        outputs: Names of nodes, or ``node:output``.
        may_lack: Shell patterns of layers that the graph may leave out.

    Returns:
        None where these are the graph's outputs already, where the graph lacks one of them, or where it would leave out
        another layer.

    Example:
        >>> from neutral.graph import Input, Node, Value
        >>> nodes = (Node("y", "relu", (Value("x"),), {}), Node("z", "tanh", (Value("y"),), {}))
        >>> store = Store({}, {}, Graph((Input("x"),), nodes, (Value("z"),)))
        >>> [value.node for value in store_with_outputs(store, ["z", "y"], []).graph.outputs]
        ['z', 'y']
        >>> store_with_outputs(store, ["z"], []) is None
        True
    """
    if store.graph is None or not outputs:
        return None
    try:
        chosen = cut(store.graph, outputs)
    except UsageError:
        return None
    shorter = eliminate_dead_code(chosen)
    lacking = set(store.graph.layer_names()) - set(shorter.layer_names())
    if chosen.outputs == store.graph.outputs or any(
        not any(fnmatchcase(name, pattern) for pattern in may_lack) for name in lacking
    ):
        return None
    return Store(store.layers, store.tensors, shorter, store.source, path=store.path)


def _layers_before(graph: Graph) -> dict[str, frozenset[str]]:
    """Return the layers on which each node depends, its own included, in execution order."""
    layers: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        own = frozenset(() if node.layer is None else (node.layer,))
        layers[node.name] = own.union(*(layers.get(value.node, frozenset()) for value in node.operands))
    return layers
