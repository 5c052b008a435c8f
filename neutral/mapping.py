"""Rename the layers of one store after those of another, by a mapping or by the plan of a load."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping

from neutral.dtypes import FLOATING
from neutral.errors import UsageError
from neutral.graph import Layer
from neutral.matching.layouts import TensorLayout
from neutral.matching.mapping_file import Mappable, check_mapping, resolve_mapping
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import child
from neutral.matching.rename_patterns import expand_patterns
from neutral.store.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to

if TYPE_CHECKING:
    import numpy as np

COUNTER = "num_batches_tracked"
"""The role in which PyTorch's batch norms count batches; other frameworks have none."""


@dataclass
class Entry:
    """The entry of one layer in a mapping.

    Attributes:
        module: The path before the names of all roles that ``tensors`` does not name; None without one.
        tensors: The names of roles.
        dropped: Roles that the weights lack because they hold a constant (``zeros``, ``ones``).
        constants: Names of the weights' tensors that hold a constant and have no role in the layer.
        layouts: The layouts of roles that are not simply the tensors that they are in.

    Example:
        >>> Entry("backbone.conv1", tensors={"bias": "extra.bias"}).name("weight")
        'backbone.conv1.weight'
    """

    module: str | None = None
    tensors: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, TensorLayout] = field(default_factory=dict)

    def extract(self, role: str, tensor: Tensor, where: str) -> Tensor:
        """Return a role's tensor from the tensor that it is in.

        Args:
            role: The role.
            tensor: The tensor of the weights.
            where: The name of that tensor, for messages.

        Returns:
            The role's tensor, computed when it is read where it is only a part.

        Raises:
            UsageError: The tensor cannot have the layout.
        """
        layout = self.layouts.get(role, TensorLayout())
        problem = layout.problem(tensor.shape)
        if problem:
            raise UsageError(f"the plan's layout of {role} in {where} cannot be: {problem}.")
        return layout.extract(tensor)

    def name(self, role: str) -> str | None:
        """Return the name of a role's tensor, None where the mapping does not tell it.

        Args:
            role: The role.

        Returns:
            The name, such as ``features.0.weight``.
        """
        if role in self.tensors:
            return self.tensors[role]
        return None if self.module is None else child(self.module, role)


def tensors_by_name(store: Store) -> dict[str, Tensor]:
    """Return the tensors by their names in a mapping: ``layer.role``, and the layer's name for a bare parameter.

    Args:
        store: The store; tensors of no layer are left out.

    Returns:
        The tensors by name, in the order of the layers.
    """
    return {
        _name(layer, role): store.tensors[key] for layer in store.layers.values() for role, key in layer.tensors.items()
    }


def _name(layer: Layer, role: str) -> str:
    return layer.name if layer.kind == "parameter" and role == "value" else f"{layer.name}.{role}"


def filled(like: Tensor, constant: str) -> Tensor:
    """Return a tensor of ``ones`` or ``zeros`` with the dtype and shape of ``like``.

    Args:
        like: The tensor whose dtype and shape to take; its content is not read.
        constant: ``ones`` or ``zeros``.

    Returns:
        A tensor that is made when it is read.
    """

    def make() -> np.ndarray:
        import numpy as np

        numbers = (np.ones if constant == "ones" else np.zeros)(like.shape, np.float32)
        return cast_to(numbers, like.dtype) if like.dtype in FLOATING else numbers

    return lazy_tensor(like.dtype, like.shape, make)


def renamed(store: Store, like: Store, mapping: Mappable) -> Store:
    """Rename the layers and tensors of ``store`` after their partners in ``like``; keep the names of all others.

    Counters of batch norms, which only PyTorch has, are left out.

    Args:
        store: The store to rename, usually of a fine-tuned state dict.
        like: The store whose names to take.
        mapping: Layers of ``like`` to layers or tensors of ``store``; see :data:`Mappable`.

    Returns:
        A store that shares the tensors of ``store``; close ``store`` after it.

    Raises:
        UsageError: The mapping names an unknown layer or tensor.
        SourceError: The mapping's file cannot be read.
    """
    entries = read_mapping(mapping, like.layers)
    available = tensors_by_name(store)
    layers: dict[str, Layer] = {}
    tensors: dict[str, Tensor] = {}
    taken = set()
    for name, entry in entries.items():
        keys = like.layers[name].tensors
        for role, key in keys.items():
            partner_name = entry.name(role) or f"{name}.{role}"
            if partner_name not in available and keys.keys() == {"value"} and entry.module is not None:
                partner_name = entry.module
            if partner_name in available:
                tensors[key] = entry.extract(role, available[partner_name], partner_name)
                taken.add(partner_name)
            elif role in entry.dropped:
                tensors[key] = filled(like.tensors[key], entry.dropped[role])
            else:
                raise UsageError(f"the mapping leads from {name}.{role} to {partner_name}, which is missing.")
        layers[name] = _renamed_layer(name, like.layers[name], store.layers.get(entry.module or ""))
    for layer in store.layers.values():
        unmapped = [key for role, key in layer.tensors.items() if _name(layer, role) not in taken]
        if unmapped and layer.name.rpartition(".")[2] != COUNTER:
            layers.setdefault(layer.name, layer)
            tensors.update((key, store.tensors[key]) for key in unmapped)
    return Store(layers, tensors, None, store.source, store.notes, path=store.path).made_from(store)


def _renamed_layer(name: str, like: Layer, partner: Layer | None) -> Layer:
    """Return a layer with the tensors of ``like``, and the kind and attributes of its partner where there is one."""
    if partner is None:
        return Layer(name, like.kind, {}, dict(like.tensors), typed_by="names")
    return Layer(name, partner.kind, partner.attributes, dict(like.tensors), typed_by=partner.typed_by)


def read_mapping(mapping: Mappable, layers: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of a mapping by layer.

    Args:
        mapping: A dict, a plan, or the path of a TOML file with either.
        layers: The layers that the mapping may name.

    Returns:
        The entries by layer; layers without one are left out.

    Raises:
        UsageError: An entry names an unknown layer.
        SourceError: The file cannot be read, or holds neither a mapping nor a plan of a known version.
    """
    where = os.fspath(mapping) if isinstance(mapping, (str, os.PathLike)) else "the mapping"
    resolved = resolve_mapping(mapping)
    entries = (
        _entries_of_plan(resolved)
        if isinstance(resolved, Plan)
        else _entries_of_lines(check_mapping(resolved or {}, where), layers)
    )
    unknown = next((name for name in entries if name not in layers), None)
    if unknown is not None:
        raise UsageError(f"{where}: the checkpoint has no layer {unknown!r}.")
    return entries


def _entries_of_lines(lines: Mapping[str, str], layers: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of ``"layer" = "module.path"`` and ``"layer.role" = "name of a tensor"``."""
    entries: dict[str, Entry] = {}
    tensors = [f"{name}.{role}" for name, layer in layers.items() for role in getattr(layer, "tensors", ())]
    for name, target in expand_patterns(lines, layers, tensors).items():
        layer, _, role = name.rpartition(".")
        if name not in layers and layer in layers:
            entries.setdefault(layer, Entry()).tensors[role] = target
        else:
            entries.setdefault(name, Entry()).module = target
    return entries


def _entries_of_plan(plan: Plan) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for pair in plan.pairs:
        entry = entries.setdefault(pair.layer, Entry(pair.module))
        entry.tensors.update(pair.tensors)
        entry.dropped.update(pair.dropped)
        entry.layouts.update(pair.layouts)
        entry.constants.update({child(pair.module, role): constant for role, constant in pair.constants.items()})
    return entries
