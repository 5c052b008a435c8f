"""Rename the layers of one store after those of another, by a mapping or by the plan of a load."""

from __future__ import annotations

from neutral.errors import UsageError
from neutral.graph import Layer
from neutral.mapping import COUNTER, filled, read_mapping, tensor_name, tensors_by_name
from neutral.matching.mapping_file import Mappable
from neutral.store.store import Store
from neutral.tensor import Tensor
from neutral.ungrouping import ungroup


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
        MatchError: Layers that the mapping groups cannot be made of the tensors that it gives.
        SourceError: The mapping's file cannot be read.
    """
    available = tensors_by_name(store)
    entries, made, taken = ungroup(read_mapping(mapping, like.layers), like, available)
    available.update(made)
    layers: dict[str, Layer] = {}
    tensors: dict[str, Tensor] = {}
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
        unmapped = [key for role, key in layer.tensors.items() if tensor_name(layer, role) not in taken]
        if unmapped and layer.name.rpartition(".")[2] != COUNTER:
            layers.setdefault(layer.name, layer)
            tensors.update((key, store.tensors[key]) for key in unmapped)
    return Store(layers, tensors, None, store.source, store.notes, path=store.path).made_from(store)


def _renamed_layer(name: str, like: Layer, partner: Layer | None) -> Layer:
    """Return a layer with the tensors of ``like``, and the kind and attributes of its partner where there is one."""
    if partner is None:
        return Layer(name, like.kind, {}, dict(like.tensors), typed_by="names")
    return Layer(name, partner.kind, partner.attributes, dict(like.tensors), typed_by=partner.typed_by)
