"""What of one store belongs to which layer of another: a mapping by hand, or a plan that loading made."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Protocol, Union

from neutral.dtypes import FLOATING
from neutral.errors import SourceError, UsageError
from neutral.graph import Layer
from neutral.store.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to

if TYPE_CHECKING:
    import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class PlanLike(Protocol):
    """A plan in memory."""

    def to_dict(self) -> dict[str, Any]: ...


Mappable = Union["Mapping[str, str]", PlanLike, str, "os.PathLike[str]", None]
"""A dict, a plan, or the path of a TOML file with either."""

COUNTER = "num_batches_tracked"
"""What PyTorch's batch norms count, and no other framework does."""


@dataclass
class Entry:
    """What a mapping says of a layer.

    ``tensors`` are the names of roles, ``module`` is what goes before the names of all others. ``dropped`` are roles
    that the weights do not have because they are constant, ``constants`` those that only the weights have.
    """

    module: str | None = None
    tensors: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    def name(self, role: str) -> str | None:
        if role in self.tensors:
            return self.tensors[role]
        return None if self.module is None else child(self.module, role)


def child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def tensors_by_name(store: Store) -> dict[str, Tensor]:
    """The tensors by what a mapping calls them: ``layer.role``, and a bare parameter by itself."""
    return {
        _name(layer, role): store.tensors[key] for layer in store.layers.values() for role, key in layer.tensors.items()
    }


def _name(layer: Layer, role: str) -> str:
    return layer.name if layer.kind == "parameter" and role == "value" else f"{layer.name}.{role}"


def filled(like: Tensor, constant: str) -> Tensor:
    """Ones or zeros in the form of a tensor."""

    def make() -> np.ndarray:
        import numpy as np

        numbers = (np.ones if constant == "ones" else np.zeros)(like.shape, np.float32)
        return cast_to(numbers, like.dtype) if like.dtype in FLOATING else numbers

    return lazy_tensor(like.dtype, like.shape, make)


def renamed(store: Store, like: Store, mapping: Mappable) -> Store:
    """``store`` with the layers and keys of ``like`` where the mapping says what they are; the others as they were.

    Batch norms' counters, which only PyTorch has, are left out. Raises UsageError where the mapping names what is not
    there.
    """
    entries = read_mapping(mapping, like.layers)
    available = tensors_by_name(store)
    layers: dict[str, Layer] = {}
    tensors: dict[str, Tensor] = {}
    taken = set()
    for name, entry in entries.items():
        keys = like.layers[name].tensors
        for role, key in keys.items():
            found = entry.name(role) or f"{name}.{role}"
            if found not in available and keys.keys() == {"value"} and entry.module is not None:
                found = entry.module
            if found in available:
                tensors[key] = available[found]
                taken.add(found)
            elif role in entry.dropped:
                tensors[key] = filled(like.tensors[key], entry.dropped[role])
            else:
                raise UsageError(f"the mapping puts {found} in the place of {name}.{role}, and it is not there.")
        partner = store.layers.get(entry.module or "")
        kind, attributes = (partner.kind, partner.attributes) if partner else (like.layers[name].kind, {})
        typed_by = partner.typed_by if partner else "names"
        layers[name] = Layer(name, kind, attributes, dict(keys), typed_by=typed_by)
    for layer in store.layers.values():
        left = [key for role, key in layer.tensors.items() if _name(layer, role) not in taken]
        if left and layer.name.rpartition(".")[2] != COUNTER:
            layers.setdefault(layer.name, layer)
            tensors.update((key, store.tensors[key]) for key in left)
    return Store(layers, tensors, None, store.source, store.notes, path=store.path)


def read_mapping(mapping: Mappable, layers: Mapping[str, Any]) -> dict[str, Entry]:
    """The entries by layer. Raises UsageError where one names no layer, SourceError where a file is no mapping."""
    where = "the mapping"
    if isinstance(mapping, (str, os.PathLike)):
        where = os.fspath(mapping)
        document: Mapping[str, Any] = _document(where)
    elif mapping is None or isinstance(mapping, dict):
        document = mapping or {}
    else:
        document = mapping.to_dict()  # type: ignore[union-attr]
    found = _plan(document, where) if "neutral_plan" in document else _lines(document, layers, where)
    unknown = next((name for name in found if name not in layers), None)
    if unknown is not None:
        raise UsageError(f"{where}: the checkpoint has no layer {unknown!r}.")
    return found


def _document(path: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path}: this is not TOML: {error}.") from None


def _lines(document: Mapping[str, Any], layers: Mapping[str, Any], where: str) -> dict[str, Entry]:
    """``"layer" = "module.path"``, or ``"layer.role" = "name of a tensor"``."""
    found: dict[str, Entry] = {}
    for name, target in document.items():
        if not isinstance(target, str):
            raise SourceError(f'{where}: {name!r} is no text; a mapping has lines "layer" = "module.path".')
        layer, _, role = name.rpartition(".")
        if name not in layers and layer in layers:
            found.setdefault(layer, Entry()).tensors[role] = target
        else:
            found.setdefault(name, Entry()).module = target
    return found


def _plan(document: Mapping[str, Any], where: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    try:
        for pair in document["pair"]:
            entry = found.setdefault(pair["layer"], Entry(pair["module"]))
            entry.tensors.update({role: child(pair["module"], role) for role in pair.get("roles", ())})
            entry.tensors.update(pair.get("tensors", {}))
            entry.dropped.update(pair.get("dropped", {}))
            entry.constants.update({child(pair["module"], r): what for r, what in pair.get("constants", {}).items()})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SourceError(f"{where}: this plan is damaged ({type(error).__name__}: {error}).") from None
    return found
