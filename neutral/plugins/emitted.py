"""Recognise weights of a model that a writer emitted: the writer knows where each tensor of the store is in them."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Sequence

from neutral.errors import NeutralError
from neutral.mapping import COUNTER, tensors_by_name
from neutral.plugins.registry import WRITERS, load_all

if TYPE_CHECKING:
    from neutral.store import Store
    from neutral.tensor import Tensor


@dataclass(frozen=True)
class EmittedWeights:
    """The places of a store's tensors in the weights of its emitted model.

    Attributes:
        mapping: The name of the tensor in the weights for each ``layer.role`` of the store.
        constants: Names of tensors of the weights that the store does not hold.

    Example:
        >>> EmittedWeights({"dense0.weight": "fc1.weight"}, ("positions",)).mapping["dense0.weight"]
        'fc1.weight'
    """

    mapping: Mapping[str, str]
    constants: tuple[str, ...]


def recognise_emitted(weights: Store, like: Store, may_lack: Sequence[str] = ()) -> EmittedWeights | None:
    """Return the places of a store's tensors in weights that have the names and shapes of its emitted model.

    Args:
        weights: The store of the weights, such as a fine-tuned state dict.
        like: The store that was emitted.
        may_lack: Shell patterns of its layers that the weights may lack, as those of a model do that was emitted up to
            a node before them.

    Returns:
        None for weights of any other model, without a graph, and where no writer that emits is installed.

    Example:
        >>> from neutral.store import Store
        >>> recognise_emitted(Store({}, {}), Store({}, {})) is None
        True
    """
    if like.graph is None:
        return None
    available = {name: item for name, item in tensors_by_name(weights).items() if not _is_counter(name)}
    recognised = _recognise(available, like)
    if recognised is None and may_lack:
        from neutral.cut_store import stores_up_to_a_node

        shorter = stores_up_to_a_node(like, Counter(item.shape for item in available.values()), may_lack)
        return next(filter(None, (_recognise(available, store) for store in shorter)), None)
    return recognised


def _recognise(available: Mapping[str, Tensor], like: Store) -> EmittedWeights | None:
    assert like.graph is not None
    executed = {name: like.layers[name] for name in dict.fromkeys(like.graph.layer_names())}
    shapes = Counter(
        like.tensors[key].shape for key in {k for item in executed.values() for k in item.tensors.values()}
    )
    if shapes - Counter(item.shape for item in available.values()):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of writers that cannot be imported
        writers = list(load_all(WRITERS))
    for writer in writers:
        try:
            keys = writer.state_keys(like) if hasattr(writer, "state_keys") else {}
        except NeutralError:  # its framework is not installed, or the store cannot be emitted
            continue
        names = {key: name for name, key in reversed(list(keys.items())) if key is not None}
        fits = all(available[name].shape == like.tensors[key].shape for key, name in names.items() if name in available)
        if names and fits and {name for name in keys if not _is_counter(name)} == set(available):
            mapping = {
                f"{name}.{role}": names[key]
                for name, layer in like.layers.items()
                for role, key in layer.tensors.items()
                if key in names
            }
            return EmittedWeights(
                mapping, tuple(name for name, key in keys.items() if key is None and name in available)
            )
    return None


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == COUNTER
