"""The store of a state dict, with the types of the module that it belongs to."""

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
    """``store``, of a state dict, with the kinds and attributes of ``module``'s layers in place of inferred ones.

    Its tensors stay what they are, under keys of the layers. Raises MatchError where its names or shapes are not those
    of the module.
    """
    side = describe(module)
    found = {origin.arrays[0]: store.tensors[layer.tensors[role]] for layer, role, origin in _origins(store)}
    problems = []
    layers: dict[str, Layer] = {}
    tensors = {}
    for name, layer in side.layers.items():
        keys = {role: key if layer.kind != "parameter" else f"{key}.value" for role, key in layer.tensors.items()}
        for role, parameter in layer.tensors.items():
            if parameter not in found:
                problems.append(f"{parameter} of the module is not there")
            elif found[parameter].shape != side.shapes[parameter]:
                problems.append(
                    f"{parameter} has shape {found[parameter].shape}, the module's {side.shapes[parameter]}"
                )
            else:
                tensors[keys[role]] = found[parameter]
        source = LayerSource(origins={role: Origin((parameter,)) for role, parameter in layer.tensors.items()})
        layers[name] = layer._replace(attributes=_known(layer.kind, layer.attributes), tensors=keys, source=source)
    used = {parameter for layer in side.layers.values() for parameter in layer.tensors.values()}
    left = [name for name in found if name not in used and name.rpartition(".")[2] != COUNTER]
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


def _known(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that the catalogue has: torch has more, which its meaning fixes."""
    names = {attribute.name for attribute in catalogue[kind].attributes}
    return {name: value for name, value in attributes.items() if name in names}
