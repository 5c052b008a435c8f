"""Type the store of a state dict after the module that it belongs to."""

from __future__ import annotations

from typing import Any, Mapping

from torch import nn

from neutral.errors import MatchError
from neutral.graph import Layer, LayerSource, Origin
from neutral.operators import catalogue
from neutral.store import Store
from neutral_to_torch.adapters import describe
from neutral_to_torch.adapters.state import COUNTER


def typed(store: Store, module: nn.Module) -> Store:
    """Return the store of a state dict with the kinds and attributes of a module's layers, not inferred ones.

    Args:
        store: The store of a state dict.
        module: The module that the state dict belongs to.

    Returns:
        A store with the same tensors, under keys of the module's layers.

    Raises:
        MatchError: Names or shapes are not those of the module.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> source = LayerSource(origins={"value": Origin(("weight",))})
        >>> layers = {"unknown": Layer("unknown", "parameter", {}, {"value": "weight"}, source)}
        >>> store = Store(layers, {"weight": from_numpy(np.ones((2, 3), np.float32))})
        >>> [(layer.kind, layer.attributes) for layer in typed(store, nn.Linear(3, 2, bias=False)).layers.values()]
        [('linear', {'out_features': 2})]
    """
    network = describe(module)
    stored = {origin.arrays[0]: store.tensors[layer.tensors[role]] for layer, role, origin in _origins(store)}
    problems = []
    layers: dict[str, Layer] = {}
    tensors = {}
    for name, layer in network.layers.items():
        keys = {role: key if layer.kind != "parameter" else f"{key}.value" for role, key in layer.tensors.items()}
        for role, parameter in layer.tensors.items():
            if parameter not in stored:
                problems.append(f"{parameter} of the module is not there")
            elif stored[parameter].shape != network.shapes[parameter]:
                problems.append(
                    f"{parameter} has shape {stored[parameter].shape}, the module's {network.shapes[parameter]}"
                )
            else:
                tensors[keys[role]] = network.layout(name, role).extract(stored[parameter])
        source = LayerSource(origins={role: Origin((parameter,)) for role, parameter in layer.tensors.items()})
        layers[name] = layer._replace(
            attributes=_catalogue_attributes(layer.kind, layer.attributes), tensors=keys, source=source
        )
    used = {parameter for layer in network.layers.values() for parameter in layer.tensors.values()}
    left = [name for name in stored if name not in used and name.rpartition(".")[2] != COUNTER]
    problems += [f"{name} is not in the module" for name in left]
    if problems:
        shown = "\n".join(f"  - {problem}" for problem in problems)
        raise MatchError(f"{store.path or 'the state dict'} is not that of {type(module).__name__}:\n{shown}")
    counters = {name: layer for name, layer in store.layers.items() if name.rpartition(".")[2] == COUNTER}
    for name, layer in counters.items():
        layers.setdefault(name, layer)
        tensors.update((key, store.tensors[key]) for key in layer.tensors.values())
    notes = [note for note in store.notes if not note.startswith(("types inferred", "type unknown"))]
    return Store(layers, tensors, None, store.source, (*notes, f"types are those of {type(module).__qualname__}"))


def _origins(store: Store) -> list[tuple[Layer, str, Origin]]:
    return [(layer, role, origin) for layer in store.layers.values() for role, origin in layer.source.origins.items()]


def _catalogue_attributes(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that the catalogue has. Others of torch are fixed by the meaning of the kind."""
    names = {attribute.name for attribute in catalogue[kind].attributes}
    return {name: value for name, value in attributes.items() if name in names}
