"""Checks of a plan that need the stored values or the tensors that layers share."""

from __future__ import annotations

from typing import Iterator, Sequence

from neutral.dtypes import NUMPY_DTYPE
from neutral.matching.network import Network
from neutral.matching.plan import Pair
from neutral.store import Store
from neutral.tensor import Tensor


def find_value_conflicts(pairs: Sequence[Pair], store: Store, module: Network) -> Iterator[str]:
    """Yield a message for each pair whose stored values the module cannot represent.

    Roles that the module lacks may be dropped where their values have no effect, slopes by channel may become one
    slope where all are equal, and two stored tensors may fill one where they are equal.
    """
    for pair in pairs:
        for role, constant in pair.dropped.items():
            if not _is_constant(store.tensors[store.layers[pair.layer].tensors[role]], constant):
                yield (
                    f"stored layer {pair.layer} has a {role} that is not all {constant}, and the module's "
                    f"{pair.module or 'root'} has none. Give the module one."
                )
        if pair.kind == "prelu" and "weight" in pair.tensors:
            yield from _find_slope_conflicts(pair, store, module)
    yield from _find_sharing_conflicts(pairs, store, module)


def describe_split_tensors(pairs: Sequence[Pair], stored: Network, module: Network) -> Iterator[str]:
    """Yield a note for each stored tensor that fills several tensors of the module."""
    targets: dict[str, dict[str, str]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            key = stored.layers[pair.layer].tensors[role]
            targets.setdefault(key, {}).setdefault(module.shared_tensors.get(name, name), name)
    for key, names in targets.items():
        if len(names) > 1:
            yield f"{key} is one tensor in the store and {len(names)} in the module: {', '.join(names.values())}"


def _find_slope_conflicts(pair: Pair, store: Store, module: Network) -> Iterator[str]:
    slopes = store.tensors[store.layers[pair.layer].tensors["weight"]]
    if slopes.size > 1 and module.shapes[pair.tensors["weight"]] == (1,):
        values = slopes.numpy().reshape(-1)
        if (values != values[0]).any():
            yield (
                f"stored layer {pair.layer} has {slopes.size} different slopes and the module's {pair.module} has one. "
                f"Make it nn.PReLU({slopes.size})"
            )


def _find_sharing_conflicts(pairs: Sequence[Pair], store: Store, module: Network) -> Iterator[str]:
    """Yield a message for each tensor of the module that two different stored tensors fill."""
    first_use: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            key = store.layers[pair.layer].tensors[role]
            first_key, layer = first_use.setdefault(module.shared_tensors.get(name, name), (key, pair.layer))
            if first_key != key and not _are_equal(store.tensors[key], store.tensors[first_key]):
                yield (
                    f"stored layers {layer} and {pair.layer} both belong to the module's {name}, "
                    f"but {first_key} and {key} are not equal"
                )


def _is_constant(tensor: Tensor, constant: str) -> bool:
    import numpy as np

    one = 0x3F80 if tensor.dtype == "BF16" else np.ones((), NUMPY_DTYPE[tensor.dtype])
    return bool((tensor.numpy() == (one if constant == "ones" else 0)).all())


def _are_equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and b"".join(a.chunks()) == b"".join(b.chunks())
