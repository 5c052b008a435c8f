"""Which of a store's tensors go into which layer of a checkpoint: a mapping, or a plan that loading made."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Protocol, Union

from neutral.errors import SourceError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class PlanLike(Protocol):
    """A plan in memory."""

    def to_dict(self) -> dict[str, Any]: ...


Mappable = Union["Mapping[str, str]", PlanLike, str, "os.PathLike[str]", None]
"""A dict, a plan, or the path of a TOML file with either."""


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
            entry = found.setdefault(pair["layer"], Entry())
            entry.tensors.update({role: child(pair["module"], role) for role in pair.get("roles", ())})
            entry.tensors.update(pair.get("tensors", {}))
            entry.dropped.update(pair.get("dropped", {}))
            entry.constants.update({child(pair["module"], r): what for r, what in pair.get("constants", {}).items()})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SourceError(f"{where}: this plan is damaged ({type(error).__name__}: {error}).") from None
    return found
