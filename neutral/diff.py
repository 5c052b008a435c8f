"""What is different between two stores: layers, kinds, attributes and values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping

from neutral.dtypes import DTYPE_NAME
from neutral.graph import Layer
from neutral.store import Store
from neutral.tensor import Tensor


@dataclass(frozen=True)
class TensorDifference:
    """How the values of one tensor differ.

    ``differing`` elements of ``elements`` are further apart than the tolerance. ``maximum`` is the largest absolute
    difference (infinite where one side alone is finite) and ``norm`` the Euclidean norm of the difference, relative to
    that of the first. All are None where dtypes or shapes, which ``form`` then gives, leave nothing to compare.
    """

    key: str
    form: tuple[str, str] | None = None
    elements: int = 0
    differing: int | None = None
    maximum: float | None = None
    norm: float | None = None


@dataclass(frozen=True)
class LayerDifference:
    """How one layer differs: its kind, and attributes as pairs (a missing one is None)."""

    name: str
    kind: tuple[str, str] | None = None
    attributes: Mapping[str, tuple[Any, Any]] | None = None


@dataclass(frozen=True)
class Difference:
    """From the first store to the second."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    layers: tuple[LayerDifference, ...] = ()
    added_tensors: tuple[str, ...] = ()
    removed_tensors: tuple[str, ...] = ()
    tensors: tuple[TensorDifference, ...] = ()
    compared: int = 0

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.layers, self.added_tensors, self.removed_tensors, self.tensors))


def diff(first: Store, second: Store, *, rtol: float = 0.0, atol: float = 0.0, structure: bool = False) -> Difference:
    """Compare two stores by the names of layers and the keys of tensors.

    Values a and b are the same where ``abs(a - b) <= atol + rtol * abs(a)``, or both are not-a-number; a different
    dtype is a difference only without a tolerance. ``structure`` leaves values alone. Where a kind is only inferred
    from names, it is not held against one that is known. Of the tensors, two are in memory at once.
    """
    shared = [key for key in first.tensors if key in second.tensors]
    found = []
    for key in shared:
        same = first.digests.get(key) is not None and first.digests[key] == second.digests.get(key)
        difference = _compare(key, first.tensors[key], second.tensors[key], rtol, atol, structure, same)
        if difference is not None:
            found.append(difference)
    return Difference(
        added=tuple(_missing(second, first)),
        removed=tuple(_missing(first, second)),
        layers=tuple(
            layer
            for name in first.layers
            if name in second.layers
            for layer in [_layer(first.layers[name], second.layers[name])]
            if layer is not None
        ),
        added_tensors=tuple(key for key in second.tensors if key not in first.tensors),
        removed_tensors=tuple(key for key in first.tensors if key not in second.tensors),
        tensors=tuple(found),
        compared=len(shared),
    )


def _missing(store: Store, other: Store) -> list[str]:
    """Layers that ``other`` lacks. A layer by names whose tensors are all there has only another name."""
    return [
        layer.name
        for layer in store.layers.values()
        if layer.name not in other.layers
        and not (
            (layer.typed_by == "names" or _only_names(other))
            and layer.tensors
            and all(key in other.tensors for key in layer.tensors.values())
        )
        and not (_only_names(other) and not layer.tensors)
    ]


def _only_names(store: Store) -> bool:
    """Whether the store is a table of tensors, of which layers were inferred."""
    return store.graph is None and all(layer.typed_by == "names" for layer in store.layers.values())


def _layer(first: Layer, second: Layer) -> LayerDifference | None:
    guessed = "names" in (first.typed_by, second.typed_by)
    kind = None if first.kind == second.kind or guessed else (first.kind, second.kind)
    if first.kind != second.kind:
        return LayerDifference(first.name, kind) if kind else None
    names = {*first.attributes, *second.attributes}
    if first.typed_by != "graph" or second.typed_by != "graph":
        names = {*first.attributes} & {*second.attributes}
    attributes = {
        name: (first.attributes.get(name), second.attributes.get(name))
        for name in sorted(names)
        if first.attributes.get(name) != second.attributes.get(name)
    }
    return LayerDifference(first.name, None, attributes) if attributes else None


def _compare(
    key: str, first: Tensor, second: Tensor, rtol: float, atol: float, structure: bool, same: bool
) -> TensorDifference | None:
    tolerant = rtol > 0 or atol > 0
    if first.shape != second.shape or (first.dtype != second.dtype and not tolerant):
        return TensorDifference(key, (_form(first), _form(second)), first.size)
    if structure or (same and first.dtype == second.dtype) or first.size == 0:
        return None
    import numpy as np

    from neutral.values import numeric_values

    a, b = numeric_values(first).reshape(-1), numeric_values(second).reshape(-1)
    if first.dtype == second.dtype and not tolerant and a.tobytes() == b.tobytes():
        return None
    exact = a.dtype.kind in "iub" and b.dtype.kind in "iub" and not tolerant
    differ = a != b if exact else np.zeros(a.shape, bool)
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(b - a)
        distance[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
        distance[np.isnan(distance)] = math.inf
        if not exact:
            differ = (distance > atol + rtol * np.abs(a)) | np.isinf(distance)
        count = int(np.count_nonzero(differ))
        if count == 0:
            return None
        size = float(np.sqrt(np.nansum(np.square(a))))
        norm = float(np.sqrt(np.sum(np.square(distance))))
    relative = norm / size if size and math.isfinite(norm) and math.isfinite(size) else math.inf
    return TensorDifference(key, None, first.size, count, float(distance.max()), relative)


def _form(tensor: Tensor) -> str:
    return f"{DTYPE_NAME[tensor.dtype]} {list(tensor.shape)}"
