"""What a matcher sees: two sides of the same layout. It knows neither torch nor where a store came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.graph import Graph, Layer
from neutral.store import Store


@dataclass(frozen=True, order=True)
class TensorLayout:
    """How a role lies in a tensor: ``transposed``, and only some ``rows`` (start and end of the first axis).

    With ``groups``, rows are of each of so many equal stretches of the first axis, one after the other.
    """

    transposed: bool = False
    rows: tuple[int, int] | None = None
    groups: int = 1

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The role's shape in a tensor of the given shape."""
        if self.rows is not None:
            shape = (self.groups * (self.rows[1] - self.rows[0]), *shape[1:])
        return shape[::-1] if self.transposed else shape


@dataclass(frozen=True)
class Network:
    """Typed layers by name, the shape of every tensor they name, and their dataflow where it is known.

    ``shared_tensors`` maps a tensor to another name of the same tensor. ``computed`` gives a layer's roles that an
    operator of the graph computes, so that no tensor is stored for them. ``layouts`` are those of roles, by layer and
    role, that are not just the tensor they name.
    """

    layers: Mapping[str, Layer]
    shapes: Mapping[str, tuple[int, ...]]
    graph: Graph | None = None
    shared_tensors: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    layouts: Mapping[tuple[str, str], TensorLayout] = field(default_factory=dict)

    def shape(self, layer: str, role: str) -> tuple[int, ...]:
        return self.layout(layer, role).shape(self.shapes[self.layers[layer].tensors[role]])

    def layout(self, layer: str, role: str) -> TensorLayout:
        return self.layouts.get((layer, role), TensorLayout())


def describe_store(store: Store) -> Network:
    """A store as a side; nothing is read."""
    shapes = {key: tensor.shape for key, tensor in store.tensors.items()}
    computed: dict[str, frozenset[str]] = {}
    for node in store.graph.nodes if store.graph is not None else ():
        if node.layer is not None and node.computed:
            computed[node.layer] = computed.get(node.layer, frozenset()) | frozenset(node.computed)
    return Network(store.layers, shapes, store.graph, computed=computed)
