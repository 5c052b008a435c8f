"""The tensors of layers as arrays.

They are read and never mapped: a file that shrinks meanwhile gives an error instead of a signal.
"""

from __future__ import annotations

from neutral.reference.registry import Array
from neutral.store import Store
from neutral.values import numeric_values


def layer_tensors(store: Store, layer: str | None) -> dict[str, Array]:
    """Return the arrays of a layer by role.

    Args:
        store: The store.
        layer: The name of the layer; None: there is none.

    Returns:
        The arrays.
    """
    if layer is None:
        return {}
    return {role: numeric_values(store.tensors[key]) for role, key in store.layers[layer].tensors.items()}
