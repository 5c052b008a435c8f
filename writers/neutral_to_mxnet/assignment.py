"""Assign the tensors of one store to the layers of a checkpoint's store, by a mapping or by name."""

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
from neutral.ungrouping import ungroup
from neutral.values import cast_tensor, numeric_blocks, numeric_values

FLATTENED_KINDS = ("convolution", "linear")
"""Kinds whose weight is a matrix (out, everything else), so that its trailing axes can be regrouped."""


@dataclass
class Assignment:
    """The result of :func:`assign`, by key of the checkpoint's store.

    Attributes:
        tensors: The new tensors.
        names: The name of each new tensor in the store of the weights.
        kept: The keys whose tensors keep their values.
        notes: Casts and kept tensors.
    """

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
    """Find a tensor of ``store`` for each tensor of ``like``.

    Args:
        store: The store of the weights.
        like: The store of a checkpoint of the same network.
        entries: The mapping by layer of ``like``; layers without an entry are found by name.
        allow_unused: Shell patterns of tensors of ``store`` that may remain unused.
        allow_missing: Shell patterns of layers or ``layer.role`` of ``like`` that keep their values.

    Returns:
        The tensor for each key of ``like``, with notes on casts and kept tensors.

    Raises:
        MatchError: If tensors are unused, missing, or of another shape or dtype; lists all of them.
    """
    return _Assigner(store, like, entries, tuple(allow_unused), tuple(allow_missing)).run()


class _Assigner:
    def __init__(
        self,
        store: Store,
        like: Store,
        entries: Mapping[str, Entry],
        allow_unused: tuple[str, ...],
        allow_missing: tuple[str, ...],
    ) -> None:
        self._store = store
        self._like = like
        self._allow_unused = allow_unused
        self._allow_missing = allow_missing
        self._available = tensors_by_name(store)
        self._entries, made, self._used = ungroup(entries, like, self._available)
        self._by_spelling: dict[str, list[str]] = {}
        for name in self._available:
            self._by_spelling.setdefault(_spelling(name), []).append(name)
        self._available.update(made)
        self._problems: list[str] = []
        self._result = Assignment()

    def run(self) -> Assignment:
        graph = self._like.graph
        executed = set(self._like.layers if graph is None else graph.layer_names())
        for layer in self._like.layers.values():
            entry = self._entries.get(layer.name, Entry())
            for role, key in layer.tensors.items():
                self._assign_role(layer, role, key, entry, layer.name in executed)
            for name, constant in entry.constants.items():
                self._check_constant(layer, name, constant)
        self._check_unused()
        if self._problems:
            lines = "\n".join(f"  - {problem}" for problem in self._problems)
            raise MatchError(
                f"{self._store.path or 'the weights'} do not fit {self._like.path or 'the checkpoint'}; nothing was "
                f"written:\n{lines}\nPass a mapping of the layers that match; allow leftovers by name (allow_unused, "
                "allow_missing)."
            )
        kept = [key for key in self._result.kept if key not in self._result.tensors]
        if kept:
            self._result.notes.append(f"kept as the checkpoint has them: {', '.join(kept)}")
        return self._result

    def _assign_role(self, layer: Layer, role: str, key: str, entry: Entry, is_executed: bool) -> None:
        place, old = f"{layer.name}.{role}", self._like.tensors[key]
        name = self._name(layer, role, entry)
        if name is not None and name in self._available:
            self._assign_tensor(layer, key, place, name, entry.extract(role, self._available[name], name))
        elif role in entry.dropped:
            self._set(key, place, entry.dropped[role], filled(old, entry.dropped[role]))
        elif not is_executed or _matches_any((layer.name, place), self._allow_missing):
            self._result.kept.append(key)
        elif name is None:
            self._problems.append(f"{place} {old.shape}: the weights have no tensor of this name")
        else:
            self._problems.append(f"{place} {old.shape}: the mapping gives {name}, which the weights do not have")

    def _assign_tensor(self, layer: Layer, key: str, place: str, name: str, new: Tensor) -> None:
        self._used.add(name)
        old = self._like.tensors[key]
        reshaped = _reshaped(new, old.shape, layer.kind)
        if reshaped is None:
            self._problems.append(f"{place} has shape {old.shape}, and {name} of the weights has {new.shape}")
        elif new.dtype != old.dtype and not {new.dtype, old.dtype} <= set(FLOATING):
            self._problems.append(
                f"{place} is {DTYPE_NAME[old.dtype]}, and {name} of the weights is {DTYPE_NAME[new.dtype]}: "
                "a cast would change values"
            )
        else:
            if new.dtype != old.dtype:
                self._result.notes.append(f"{name} is written as {DTYPE_NAME[old.dtype]}, from {DTYPE_NAME[new.dtype]}")
            self._set(key, place, name, _with_dtype(reshaped, old.dtype))

    def _set(self, key: str, place: str, name: str, tensor: Tensor) -> None:
        """Set a tensor of the checkpoint; layers that share it have to get equal values."""
        first = self._result.tensors.setdefault(key, tensor)
        if first is not tensor and self._result.names[key] != name and not _equal(first, tensor):
            self._problems.append(
                f"{place} shares its array with another layer, and {self._result.names[key]} and {name} differ"
            )
        self._result.names.setdefault(key, name)

    def _name(self, layer: Layer, role: str, entry: Entry) -> str | None:
        """Return the name of a role's new tensor: that of the mapping, else the same name in another spelling."""
        name = entry.name(role)
        if name is not None or entry.tensors:
            if layer.kind == "parameter" and name is not None and name not in self._available:
                return entry.module
            return name
        candidates = [f"{layer.name}.{role}", layer.name] if layer.kind == "parameter" else [f"{layer.name}.{role}"]
        for candidate in candidates:
            if candidate in self._available:
                return candidate
            alike = self._by_spelling.get(_spelling(candidate), [])
            if len(alike) == 1:
                return alike[0]
        return None

    def _check_constant(self, layer: Layer, name: str, constant: str) -> None:
        """Require a tensor that only the weights have to be constant, so that it has no effect."""
        if name not in self._available:
            return
        self._used.add(name)
        if (numeric_values(self._available[name]) != (1 if constant == "ones" else 0)).any():
            self._problems.append(f"{layer.name} has no tensor for {name}, which is not all {constant}")

    def _check_unused(self) -> None:
        unused = [name for name in self._available if name not in self._used and name.rpartition(".")[2] != COUNTER]
        unused = [name for name in unused if not _matches_any((name,), self._allow_unused)]
        if unused:
            self._problems.append(f"the checkpoint has no place for {', '.join(unused)}")


def _spelling(name: str) -> str:
    return re.sub(r"[./\-]", "_", name.lower())


def _matches_any(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _reshaped(tensor: Tensor, shape: tuple[int, ...], kind: str) -> Tensor | None:
    """Return the tensor in another shape if every value keeps its meaning, else None."""
    if tensor.shape == shape:
        return tensor
    is_flattened = kind in FLATTENED_KINDS and tensor.shape[:1] == shape[:1]
    reshaped = Tensor(tensor.dtype, shape, tensor.content)
    if reshaped.size == tensor.size and (is_flattened or _without_ones(tensor.shape) == _without_ones(shape)):
        return reshaped
    if kind == "prelu" and tensor.size == 1:
        return lazy_tensor(tensor.dtype, shape, lambda: np.broadcast_to(tensor.numpy().reshape(-1), shape))
    return None


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dim for dim in shape if dim != 1)


def _with_dtype(tensor: Tensor, dtype: str) -> Tensor:
    if tensor.dtype == dtype:
        return tensor
    return cast_tensor(tensor, dtype)


def _equal(first: Tensor, second: Tensor) -> bool:
    blocks = zip(numeric_blocks(first), numeric_blocks(second))
    return first.shape == second.shape and all((values == others).all() for values, others in blocks)
