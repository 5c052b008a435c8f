"""New values for the tensors of a checkpoint's store, from another store."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Iterable, Mapping

import numpy as np

from neutral.dtypes import DTYPE_NAME, FLOATING
from neutral.errors import MatchError
from neutral.graph import Layer
from neutral.mapping import COUNTER, Entry, filled, tensors_by_name
from neutral.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to, numeric_values

LINEAR_MAPS = ("convolution", "linear")


@dataclass
class Assignment:
    """``tensors`` are the new values by key of the checkpoint's store, ``kept`` the keys that stay as they are."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def assign(
    store: Store,
    like: Store,
    entries: Mapping[str, Entry],
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
) -> Assignment:
    """Find each tensor of ``like`` in ``store``: by ``entries``, else by name. Raises MatchError with all problems."""
    return _Assigning(store, like, entries, tuple(allow_unused), tuple(allow_missing)).run()


class _Assigning:
    def __init__(
        self,
        store: Store,
        like: Store,
        entries: Mapping[str, Entry],
        allow_unused: tuple[str, ...],
        allow_missing: tuple[str, ...],
    ) -> None:
        self.store = store
        self.like = like
        self.entries = entries
        self.allow_unused = allow_unused
        self.allow_missing = allow_missing
        self.available = tensors_by_name(store)
        self.by_spelling: dict[str, list[str]] = {}
        for name in self.available:
            self.by_spelling.setdefault(_spelling(name), []).append(name)
        self.used: set[str] = set()
        self.problems: list[str] = []
        self.result = Assignment()

    def run(self) -> Assignment:
        in_graph = None if self.like.graph is None else set(self.like.graph.layers())
        for layer in self.like.layers.values():
            entry = self.entries.get(layer.name, Entry())
            for role, key in layer.tensors.items():
                self._role(layer, role, key, entry, in_graph is None or layer.name in in_graph)
            for name, constant in entry.constants.items():
                self._constant(layer, name, constant)
        left = [name for name in self.available if name not in self.used and name.rpartition(".")[2] != COUNTER]
        left = [name for name in left if not _matches((name,), self.allow_unused)]
        if left:
            self.problems.append(f"the checkpoint has no place for {', '.join(left)}")
        if self.problems:
            lines = "\n".join(f"  - {problem}" for problem in self.problems)
            raise MatchError(
                f"{self.store.path or 'the weights'} do not fit {self.like.path or 'the checkpoint'}; nothing was "
                f"written:\n{lines}\nGive a mapping for what belongs together; allow the rest by name (allow_unused, "
                "allow_missing)."
            )
        kept = [key for key in self.result.kept if key not in self.result.tensors]
        if kept:
            self.result.notes.append(f"kept as the checkpoint has them: {', '.join(kept)}")
        return self.result

    def _role(self, layer: Layer, role: str, key: str, entry: Entry, is_needed: bool) -> None:
        where, old = f"{layer.name}.{role}", self.like.tensors[key]
        name = self._found(layer, role, entry)
        if name is None or name not in self.available:
            if role in entry.dropped:
                self._set(layer, key, where, entry.dropped[role], filled(old, entry.dropped[role]))
            elif not is_needed or _matches((layer.name, where), self.allow_missing):
                self.result.kept.append(key)
            else:
                what = f"the mapping's {name}" if name is not None else "nothing of its name"
                self.problems.append(f"{where} {old.shape}: the weights have {what if name is None else 'no ' + name}")
            return
        self.used.add(name)
        new = self.available[name]
        shaped = _shaped(new, old.shape, layer.kind)
        if shaped is None:
            self.problems.append(f"{where} has shape {old.shape}, and {name} has {new.shape}")
        elif new.dtype != old.dtype and not {new.dtype, old.dtype} <= set(FLOATING):
            dtypes = DTYPE_NAME[old.dtype], DTYPE_NAME[new.dtype]
            self.problems.append(f"{where} is {dtypes[0]}, and {name} is {dtypes[1]}: values would be changed")
        else:
            if new.dtype != old.dtype:
                self.result.notes.append(f"{name} is written as {DTYPE_NAME[old.dtype]}, from {DTYPE_NAME[new.dtype]}")
            self._set(layer, key, where, name, _as_dtype(shaped, old.dtype))

    def _set(self, layer: Layer, key: str, where: str, name: str, tensor: Tensor) -> None:
        """One tensor of the checkpoint may be in several layers: then all have to be given the same."""
        first = self.result.tensors.setdefault(key, tensor)
        if first is not tensor and self.result.names[key] != name and not _equal(first, tensor):
            self.problems.append(
                f"{where} is one array with another layer's, and {self.result.names[key]} and {name} differ"
            )
        self.result.names.setdefault(key, name)

    def _found(self, layer: Layer, role: str, entry: Entry) -> str | None:
        name = entry.name(role)
        if name is not None or entry.tensors:
            if layer.kind == "parameter" and name is not None and name not in self.available:
                return entry.module
            return name
        for candidate in (f"{layer.name}.{role}", *((layer.name,) if layer.kind == "parameter" else ())):
            if candidate in self.available:
                return candidate
            alike = self.by_spelling.get(_spelling(candidate), [])
            if len(alike) == 1:
                return alike[0]
        return None

    def _constant(self, layer: Layer, name: str, constant: str) -> None:
        """What the weights have and the checkpoint has not is without effect, or cannot be written."""
        if name not in self.available:
            return
        self.used.add(name)
        if (numeric_values(self.available[name]) != (1 if constant == "ones" else 0)).any():
            self.problems.append(f"{layer.name} has none of {name}, which is not all {constant}")


def _spelling(name: str) -> str:
    return re.sub(r"[./\-]", "_", name.lower())


def _matches(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _shaped(tensor: Tensor, shape: tuple[int, ...], kind: str) -> Tensor | None:
    """The tensor in another shape, where that changes no value's place; None where it does."""
    if tensor.shape == shape:
        return tensor
    is_flat = kind in LINEAR_MAPS and tensor.shape[:1] == shape[:1]
    reshaped = Tensor(tensor.dtype, shape, tensor.content)
    if reshaped.size == tensor.size and (is_flat or _without_ones(tensor.shape) == _without_ones(shape)):
        return reshaped
    if kind == "prelu" and tensor.size == 1:
        return lazy_tensor(tensor.dtype, shape, lambda: np.broadcast_to(tensor.numpy().reshape(-1), shape))
    return None


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dim for dim in shape if dim != 1)


def _as_dtype(tensor: Tensor, dtype: str) -> Tensor:
    if tensor.dtype == dtype:
        return tensor
    return lazy_tensor(dtype, tensor.shape, lambda: cast_to(numeric_values(tensor), dtype))


def _equal(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and bool((numeric_values(first) == numeric_values(second)).all())
