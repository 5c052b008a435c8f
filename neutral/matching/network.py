"""Typed layers, tensor shapes and dataflow of a store or of a module, in the same terms for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.graph import Graph, Layer
from neutral.matching.layouts import TensorLayout
from neutral.store import Store
from neutral.store.structure import computed_roles


@dataclass(frozen=True)
class Network:
    """One side of a matching: the layers of a store, or of a module of any framework.

    Attributes:
        layers: The typed layers by name. Their tensors are keys of ``shapes``.
        shapes: The shape of each tensor.
        graph: The dataflow, None where it is unknown.
        shared_tensors: For each further name of a tensor its first name.
        computed: The roles of each layer that a node of the graph computes, for which no tensor is stored.
        layouts: The layout of each role, by layer and role, that is not simply the tensor that it names.
        hints: The change that a module needs before it can be filled, by its path.

    Example:
        >>> layer = Layer("fc", "linear", {}, {"weight": "fc.weight"})
        >>> Network({"fc": layer}, {"fc.weight": (2, 3)}).shape("fc", "weight")
        (2, 3)
    """

    layers: Mapping[str, Layer]
    shapes: Mapping[str, tuple[int, ...]]
    graph: Graph | None = None
    shared_tensors: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    layouts: Mapping[tuple[str, str], TensorLayout] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)

    def shape(self, layer: str, role: str) -> tuple[int, ...]:
        """Return the shape of a layer's role.

        Args:
            layer: The layer.
            role: One of its roles.

        Returns:
            The shape of the role, which may be a part of a tensor.
        """
        return self.layout(layer, role).shape(self.shapes[self.layers[layer].tensors[role]])

    def layout(self, layer: str, role: str) -> TensorLayout:
        """Return the layout of a layer's role.

        Args:
            layer: The layer.
            role: One of its roles.

        Returns:
            The layout; by default the whole tensor, as it is.
        """
        return self.layouts.get((layer, role), TensorLayout())


def describe_store(store: Store) -> Network:
    """Return the network of a store; read no tensor.

    Args:
        store: The store.

    Returns:
        The store's layers, shapes and graph.

    Example:
        >>> from neutral.tensor import Tensor
        >>> layer = Layer("fc", "linear", {"out_features": 2}, {"weight": "fc.weight"}, typed_by="names")
        >>> describe_store(Store({"fc": layer}, {"fc.weight": Tensor("F32", (2, 3), ())})).shape("fc", "weight")
        (2, 3)
    """
    shapes = {key: tensor.shape for key, tensor in store.tensors.items()}
    return Network(store.layers, shapes, store.graph, computed=computed_roles(store.graph))
