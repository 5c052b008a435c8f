"""Compare two stores: layers, kinds, attributes and values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

from neutral.dtypes import DTYPE_NAME
from neutral.graph import Layer
from neutral.store import Store
from neutral.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class TensorDifference:
    """The difference between the values of one tensor.

    Attributes:
        key: The key of the tensor.
        form: Dtype and shape in both stores if they differ, so that values cannot be compared; the statistics are None.
        elements: The number of elements.
        differing: The number of elements further apart than the tolerance.
        maximum: The largest absolute difference; infinite if only one side of an element is finite.
        norm: The Euclidean norm of the difference, relative to that of the first tensor.
    """

    key: str
    form: tuple[str, str] | None = None
    elements: int = 0
    differing: int | None = None
    maximum: float | None = None
    norm: float | None = None


@dataclass(frozen=True)
class LayerDifference:
    """The difference between two layers of the same name.

    Attributes:
        name: The name of the layer.
        kind: Both kinds, if they differ.
        attributes: Both values of each attribute that differs; None where a layer lacks it.
    """

    name: str
    kind: tuple[str, str] | None = None
    attributes: Mapping[str, tuple[Any, Any]] | None = None


@dataclass(frozen=True)
class Difference:
    """The difference from a first store to a second one; false if there is none.

    Attributes:
        added: Names of layers that only the second store has.
        removed: Names of layers that only the first store has.
        layers: Layers that both have and that differ.
        added_tensors: Keys of tensors that only the second store has.
        removed_tensors: Keys of tensors that only the first store has.
        tensors: Tensors that both have and that differ.
        compared: The number of tensors that both have.
    """

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
    """Compare two stores by the names of layers and the keys of tensors; two tensors are in memory at once.

    Values a and b are equal if ``abs(a - b) <= atol + rtol * abs(a)``, or if both are NaN.

    Args:
        first: The store to compare with.
        second: The store that is compared.
        rtol: The tolerance relative to the value in ``first``.
        atol: The absolute tolerance. Only without any tolerance is another dtype a difference.
        structure: Compare no values.

    Returns:
        The difference. A kind that was inferred from names never differs from one that is known.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> one, two = (Store({}, {"x": from_numpy(np.full(2, value))}) for value in (1.0, 1.5))
        >>> diff(one, two).tensors[0].maximum
        0.5
    """
    shared = [key for key in first.tensors if key in second.tensors]
    tensors = (_diff_tensor(key, first, second, rtol, atol, structure) for key in shared)
    layers = (_diff_layer(layer, second.layers[name]) for name, layer in first.layers.items() if name in second.layers)
    return Difference(
        added=tuple(_missing(second, first)),
        removed=tuple(_missing(first, second)),
        layers=tuple(layer for layer in layers if layer is not None),
        added_tensors=tuple(key for key in second.tensors if key not in first.tensors),
        removed_tensors=tuple(key for key in first.tensors if key not in second.tensors),
        tensors=tuple(tensor for tensor in tensors if tensor is not None),
        compared=len(shared),
    )


def _missing(store: Store, other: Store) -> list[str]:
    """Return the layers of ``store`` that ``other`` lacks.

    A layer that was inferred from names, and whose tensors ``other`` has in layers of other names, is not missing.
    """
    return [
        layer.name
        for layer in store.layers.values()
        if layer.name not in other.layers
        and not (
            (layer.typed_by == "names" or _is_inferred(other))
            and layer.tensors
            and all(key in other.tensors for key in layer.tensors.values())
        )
        and not (_is_inferred(other) and not layer.tensors)
    ]


def _is_inferred(store: Store) -> bool:
    """Return whether all layers of a store were inferred from the names of its tensors."""
    return store.graph is None and all(layer.typed_by == "names" for layer in store.layers.values())


def _diff_layer(first: Layer, second: Layer) -> LayerDifference | None:
    if first.kind != second.kind:
        is_inferred = "names" in (first.typed_by, second.typed_by)
        return None if is_inferred else LayerDifference(first.name, (first.kind, second.kind))
    names = {*first.attributes, *second.attributes}
    if first.typed_by != "graph" or second.typed_by != "graph":
        names = {*first.attributes} & {*second.attributes}
    attributes = {
        name: (first.attributes.get(name), second.attributes.get(name))
        for name in sorted(names)
        if first.attributes.get(name) != second.attributes.get(name)
    }
    return LayerDifference(first.name, None, attributes) if attributes else None


def _diff_tensor(
    key: str, first: Store, second: Store, rtol: float, atol: float, structure: bool
) -> TensorDifference | None:
    before, after = first.tensors[key], second.tensors[key]
    is_exact = rtol == 0 and atol == 0
    is_same_dtype = before.dtype == after.dtype
    if before.shape != after.shape or (not is_same_dtype and is_exact):
        return TensorDifference(key, (_dtype_and_shape(before), _dtype_and_shape(after)), before.size)
    digest = first.digests.get(key)
    is_same = is_same_dtype and digest is not None and digest == second.digests.get(key)
    if structure or is_same or before.size == 0:
        return None
    return _diff_values(key, before, after, rtol, atol)


def _diff_values(key: str, before: Tensor, after: Tensor, rtol: float, atol: float) -> TensorDifference | None:
    import numpy as np

    from neutral.values import numeric_blocks

    is_exact = rtol == 0 and atol == 0
    count, maximum, squares, distance_squares = 0, 0.0, 0.0, 0.0
    for a, b in zip(numeric_blocks(before), numeric_blocks(after)):
        are_integers = a.dtype.kind in "iub" and b.dtype.kind in "iub"
        differs: np.ndarray = a != b  # of integers before the conversion, which is not exact
        a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.abs(b - a)
            distance[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
            distance[np.isnan(distance)] = math.inf
            if not (are_integers and is_exact):
                differs = (distance > atol + rtol * np.abs(a)) | np.isinf(distance)
            count += int(np.count_nonzero(differs))
            maximum = max(maximum, float(distance.max()))
            squares += float(np.nansum(np.square(a)))
            distance_squares += float(np.sum(np.square(distance)))
    if count == 0:
        return None
    is_finite = math.isfinite(distance_squares) and math.isfinite(squares)
    relative = math.sqrt(distance_squares) / math.sqrt(squares) if squares and is_finite else math.inf
    return TensorDifference(key, None, before.size, count, maximum, relative)


def _dtype_and_shape(tensor: Tensor) -> str:
    return f"{DTYPE_NAME[tensor.dtype]} {list(tensor.shape)}"
