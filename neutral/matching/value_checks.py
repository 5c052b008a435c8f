"""Checks of a plan that need the stored values or the tensors that layers share."""

from __future__ import annotations

from itertools import combinations
from typing import Iterator, Sequence

from neutral.dtypes import NUMPY_DTYPE
from neutral.matching.layouts import Part, TensorLayout, assemble
from neutral.matching.network import Network
from neutral.matching.plan_entries import Pair
from neutral.store import Store
from neutral.tensor import Tensor


def find_value_conflicts(pairs: Sequence[Pair], store: Store, module: Network) -> Iterator[str]:
    """Yield a message for each pair whose stored values the module cannot represent.

    Roles that the module lacks may be dropped where their values have no effect, slopes by channel may become one
    slope where all are equal, and two stored tensors may fill one where they are equal.

    Args:
        pairs: The plan's pairs.
        store: The store; only the tensors that a check needs are read.
        module: The module's network.

    Yields:
        The conflict and its remedy, a line.

    Example:
        >>> import numpy
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layer = Layer("fc", "linear", {}, {"bias": "b"})
        >>> store = Store({"fc": layer}, {"b": from_numpy(numpy.ones(2, "float32"))})
        >>> pair = Pair("fc", "head", "linear", "name", "", {}, dropped={"bias": "zeros"})
        >>> list(find_value_conflicts([pair], store, Network({}, {})))
        ["stored layer fc has a bias that is not all zeros, and the module's head has none. Give the module one."]
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
    yield from _find_layout_conflicts(pairs, store, module)


def describe_split_tensors(pairs: Sequence[Pair], stored: Network, module: Network) -> Iterator[str]:
    """Yield a note for each stored tensor that fills several tensors of the module.

    Args:
        pairs: The plan's pairs.
        stored: The store's network.
        module: The module's network, whose shared tensors count once.

    Yields:
        A line with the stored key and the names in the module.

    Example:
        >>> from neutral.graph import Layer
        >>> stored = Network({"emb": Layer("emb", "embedding", {}, {"weight": "w"})}, {"w": (9, 2)})
        >>> pairs = [Pair("emb", to, "embedding", "name", "", {"weight": to + ".weight"}) for to in ("a", "b")]
        >>> list(describe_split_tensors(pairs, stored, Network({}, {})))
        ['w is one tensor in the store and 2 in the module: a.weight, b.weight']
    """
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
    first_use: dict[tuple[str, TensorLayout], tuple[str, str]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            key = store.layers[pair.layer].tensors[role]
            place = module.shared_tensors.get(name, name), pair.layouts.get(role, TensorLayout())
            first_key, layer = first_use.setdefault(place, (key, pair.layer))
            if first_key != key and not _are_equal(store.tensors[key], store.tensors[first_key]):
                yield (
                    f"stored layers {layer} and {pair.layer} both belong to the module's {name}, "
                    f"but {first_key} and {key} are not equal"
                )


def _find_layout_conflicts(pairs: Sequence[Pair], store: Store, module: Network) -> Iterator[str]:
    """Yield a message for each layout that does not fit, and for parts of a tensor that overlap with other values."""
    parts: dict[str, dict[TensorLayout, Tensor]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            layout = pair.layouts.get(role, TensorLayout())
            problem = layout.problem(module.shapes[name])
            if problem:
                yield f"the layout of {pair.layer}.{role} in the module's {name} cannot be: {problem}"
                continue
            tensor = store.tensors[store.layers[pair.layer].tensors[role]]
            parts.setdefault(module.shared_tensors.get(name, name), {}).setdefault(layout, tensor)
    for name, items in parts.items():
        for pair_of_parts in combinations(items.items(), 2):
            if _disagree(pair_of_parts, module.shapes[name]):
                yield f"two parts of the module's {name} overlap, with different stored values"


def _disagree(parts: Sequence[Part], shape: tuple[int, ...]) -> bool:
    """Return whether two parts of a tensor give an element two values."""
    import numpy as np

    parts = [(layout.as_view(shape), tensor) for layout, tensor in parts]
    covered = np.zeros(shape, bool)
    parts[0][0].view(covered)[...] = True
    if not parts[1][0].view(covered).any():
        return False
    if parts[0][1].dtype != parts[1][1].dtype:
        return True
    return not _are_equal(assemble(parts, shape), assemble(parts[::-1], shape))


def _is_constant(tensor: Tensor, constant: str) -> bool:
    import numpy as np

    one = 0x3F80 if tensor.dtype == "BF16" else np.ones((), NUMPY_DTYPE[tensor.dtype])
    return bool((tensor.numpy() == (one if constant == "ones" else 0)).all())


def _are_equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and b"".join(a.chunks()) == b"".join(b.chunks())
