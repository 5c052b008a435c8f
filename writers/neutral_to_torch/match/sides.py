"""What a matcher sees: two sides of the same form. It knows neither torch nor where a store came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.graph import Graph, Layer
from neutral.store import Store


@dataclass(frozen=True)
class Side:
    """Typed layers by name, the shape of every tensor they name, and their dataflow where it is known.

    ``ties`` maps a tensor's name to another name of the very same tensor. ``computed`` gives a layer's roles that an
    operator of the graph computes, so that no tensor is stored for them.
    """

    layers: Mapping[str, Layer]
    shapes: Mapping[str, tuple[int, ...]]
    graph: Graph | None = None
    ties: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def shape(self, layer: str, role: str) -> tuple[int, ...]:
        return self.shapes[self.layers[layer].tensors[role]]


def stored_side(store: Store) -> Side:
    """A store as a side; nothing is read."""
    shapes = {key: tensor.shape for key, tensor in store.tensors.items()}
    computed: dict[str, frozenset[str]] = {}
    for node in store.graph.nodes if store.graph is not None else ():
        if node.layer is not None and node.computed:
            computed[node.layer] = computed.get(node.layer, frozenset()) | frozenset(node.computed)
    return Side(store.layers, shapes, store.graph, computed=computed)
