"""Find the stored tensor that fills each of a module's tensors, in the layout in which the module holds it."""

from __future__ import annotations

from typing import Mapping

import torch

from neutral.errors import MatchError
from neutral.matching.layouts import Part, TensorLayout, assemble
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.tensor import Tensor
from neutral_to_torch.loading.tensors import check_files


def find_sources(plan: Plan, store: Store, state: Mapping[str, torch.Tensor]) -> dict[str, tuple[str, Tensor]]:
    """Return the key and the stored tensor for each of the module's tensors that a plan fills.

    A tensor that holds roles in other layouts, or parts of it, is assembled when it is read.

    Args:
        plan: A checked plan.
        store: Its store, regrouped.
        state: The module's tensors by name.

    Returns:
        Keys and tensors by the module's names. A tensor with several names has one of them.

    Raises:
        MatchError: Parts of one tensor have different dtypes.
        SourceError: A file of the store is missing or has become shorter.
    """
    first: dict[int, str] = {}
    keys: dict[str, list[str]] = {}
    parts: dict[str, dict[TensorLayout, Tensor]] = {}
    for pair in plan.pairs:
        for role, name in pair.tensors.items():
            name = first.setdefault(id(state[name]), name)
            key = store.layers[pair.layer].tensors[role]
            keys.setdefault(name, []).append(key)
            parts.setdefault(name, {}).setdefault(pair.layouts.get(role, TensorLayout()), store.tensors[key])
    check_files(tensor for items in parts.values() for tensor in items.values())
    return {
        name: (" + ".join(keys[name]), _joined(name, tuple(items.items()), tuple(state[name].shape)))
        for name, items in parts.items()
    }


def _joined(name: str, parts: tuple[Part, ...], shape: tuple[int, ...]) -> Tensor:
    """Return a tensor of the module from its parts, or the only part where that is the whole."""
    layouts = [layout for layout, _ in parts]
    if any(layout.is_whole for layout in layouts):
        return parts[[layout.is_whole for layout in layouts].index(True)][1]
    dtypes = {tensor.dtype for _, tensor in parts}
    if len(dtypes) > 1:
        raise MatchError(f"parts of the module's {name} are stored as {', '.join(sorted(dtypes))}; expected one dtype.")
    return assemble(parts, shape)
