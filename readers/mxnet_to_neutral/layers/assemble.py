"""Assemble layers, tensors and graph of a store: name layers, share tensors, freeze drafts."""

from __future__ import annotations

from typing import Iterable

from mxnet_to_neutral.drafts import Absent, Conversion, Draft, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, identity
from mxnet_to_neutral.layers.infer import InferredLayer
from mxnet_to_neutral.layers.names import layer_of
from neutral.graph import Graph, Layer, LayerSource, Node, Origin, Value
from neutral.rewriting import UniqueNames
from neutral.tensor import Tensor

SOURCE = "source"
"""The first part of the keys of original arrays; no layer has this name."""


class Assembly:
    """The layers and tensors of a store under construction; a tensor that several layers use is stored once.

    Attributes:
        layers: Layers by name, in the order of their first use.
        tensors: Tensors by key.
        recipes: The recipes of the tensors that layers use, by key.
    """

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.tensors: dict[str, Tensor] = {}
        self.recipes: dict[str, Recipe] = {}
        self._layer_name = UniqueNames({SOURCE}, given=self.layers)
        self._key = UniqueNames({SOURCE}, given=self.tensors)
        self._key_of: dict[Origin, str] = {}
        self._layer_of_use: dict[tuple[object, ...], str] = {}

    def freeze(self, conversion: Conversion) -> Graph:
        """Freeze drafts as a graph, and add a layer for each draft with tensor roles.

        Args:
            conversion: The drafts after all passes.

        Returns:
            The graph; bodies of loops and branches are frozen likewise.
        """
        nodes = []
        for draft in conversion.drafts:
            computed = {role: value for role, value in draft.roles.items() if isinstance(value, Value)}
            layer = None
            if draft.roles:
                layer = self._layer_of(draft)
            attributes = {**draft.attributes, **{name: self.freeze(body) for name, body in draft.bodies.items()}}
            nodes.append(Node(draft.name, draft.kind, tuple(draft.inputs), attributes, layer, computed))
        return Graph(tuple(conversion.inputs), tuple(nodes), tuple(conversion.outputs))

    def add_inferred(self, inferred: InferredLayer) -> Layer:
        """Add a layer that was inferred from names and shapes.

        Args:
            inferred: A layer of arrays that no other layer uses.

        Returns:
            The layer under its unique name.
        """
        name = self._layer_name(inferred.name)
        tensors, origins = {}, {}
        for role, array in inferred.arrays.items():
            recipe = identity(array)
            tensors[role] = self._add_recipe(f"{name}.{role}", recipe)
            origins[role] = recipe.origin
        source = LayerSource(None, None, origins)
        layer = Layer(name, inferred.kind, inferred.attributes, tensors, source, "names")
        self.layers[name] = layer
        return layer

    def add_tensor(self, key: str, tensor: Tensor) -> str:
        """Add a tensor under a key, or under a numbered variant if the key is taken.

        Args:
            key: The wanted key.
            tensor: The tensor.

        Returns:
            The key.
        """
        key = self._key(key)
        self.tensors[key] = tensor
        return key

    def used_arrays(self) -> set[str]:
        """Return the names of the source's arrays that layers use.

        Returns:
            Names as in the parameter file.
        """
        return {name for recipe in self.recipes.values() for name in recipe.origin.arrays}

    def _layer_of(self, draft: Draft) -> str:
        """Return the draft's layer; drafts that use equal tensors with equal attributes share one."""
        use = (
            draft.kind,
            tuple(sorted(draft.attributes.items())),
            tuple(sorted((role, _sort_key(value)) for role, value in draft.roles.items() if value is not None)),
        )
        if use not in self._layer_of_use:
            self._layer_of_use[use] = self._add_layer(draft)
        return self._layer_of_use[use]

    def _add_layer(self, draft: Draft) -> str:
        name = draft.layer or _common_name(draft.roles.values()) or draft.name
        if name in self.layers or name == SOURCE:
            name = draft.name
        name = self._layer_name(name)
        tensors, origins = {}, {}
        for role, recipe in draft.roles.items():
            if isinstance(recipe, Recipe):
                origin = origins[role] = recipe.origin
                if origin not in self._key_of:
                    self._key_of[origin] = self._add_recipe(f"{name}.{role}", recipe)
                tensors[role] = self._key_of[origin]
        source = LayerSource(draft.origin.name, draft.origin.operator, origins)
        self.layers[name] = Layer(name, draft.kind, draft.attributes, tensors, source, "graph")
        return name

    def _add_recipe(self, key: str, recipe: Recipe) -> str:
        key = self.add_tensor(key, recipe.tensor)
        self.recipes[key] = recipe
        return key


def _sort_key(role: RoleDraft) -> tuple[object, ...]:
    """Return a tuple that is equal for equal tensors, and sortable within one role."""
    return role.origin if isinstance(role, Recipe) else (role,)


def _array_names(role: RoleDraft) -> tuple[str, ...]:
    if isinstance(role, Recipe):
        return role.origin.arrays
    return (role.variable,) if isinstance(role, Absent) else ()


def _common_name(roles: Iterable[RoleDraft]) -> str | None:
    """Return the layer's name in the names of its arrays, None if they differ."""
    names = {layer_of(name) for role in roles for name in _array_names(role)}
    return names.pop() if len(names) == 1 else None
