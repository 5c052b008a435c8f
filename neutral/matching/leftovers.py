"""Account for stored tensors that no pair uses and module tensors that no pair fills."""

from __future__ import annotations

from fnmatch import fnmatchcase
from math import prod
from typing import Sequence

from neutral.matching.heuristics import HEURISTICS
from neutral.matching.layouts import TensorLayout
from neutral.matching.matcher import Matching
from neutral.matching.network import Network
from neutral.matching.pairs import filled_tensors
from neutral.matching.plan_entries import Leftover, Pair


def find_unused(
    pairs: Sequence[Pair], matching: Matching, stored: Network, allowed: Sequence[str]
) -> tuple[Leftover, ...]:
    """Return the stored layers (or ``layer.role`` of partly used ones) that no pair uses.

    Args:
        pairs: The plan's pairs.
        matching: The matching, whose remarks say why a layer is left over.
        stored: The store's network.
        allowed: Patterns (``fnmatch``) of layers that may be left over.

    Returns:
        The leftovers in the store's order, each with its reason and whether it is allowed.

    Example:
        >>> from neutral.graph import Layer
        >>> stored = Network({"head": Layer("head", "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        >>> [(item.name, item.allowed) for item in find_unused((), Matching(), stored, ("he*",))]
        [('head', True)]
    """
    used = {stored.layers[pair.layer].tensors[role] for pair in pairs for role in (*pair.tensors, *pair.dropped)}
    remarks = _remarks_by_layer(matching, "stored")
    in_graph = None if stored.graph is None else set(stored.graph.layer_names())
    leftovers = []
    for name, layer in stored.layers.items():
        roles = [role for role, key in layer.tensors.items() if key not in used]
        if not roles:
            continue
        for item in [name] if len(roles) == len(layer.tensors) else [f"{name}.{role}" for role in roles]:
            if in_graph is not None and name not in in_graph:
                leftovers.append(Leftover(item, "the stored graph does not use it either", True))
                continue
            shapes = ", ".join(f"{role} {stored.shape(name, role)}" for role in roles)
            why = remarks.get(name, f"the module has nothing of its name ({layer.kind}, {shapes})")
            leftovers.append(Leftover(item, why, _is_allowed((name, item), allowed)))
    return tuple(leftovers)


def find_unfilled(
    pairs: Sequence[Pair], matching: Matching, module: Network, allowed: Sequence[str]
) -> tuple[Leftover, ...]:
    """Return the module's tensors that no pair fills.

    Args:
        pairs: The plan's pairs.
        matching: The matching, whose remarks say why a layer is left over.
        module: The module's network.
        allowed: Patterns (``fnmatch``) of layers or tensors that may be left over.

    Returns:
        The leftovers by tensor name in the module's order, those that are filled in part last.

    Example:
        >>> from neutral.graph import Layer
        >>> module = Network({"head": Layer("head", "linear", {}, {"weight": "head.weight"})}, {"head.weight": (2, 3)})
        >>> [(item.name, item.allowed) for item in find_unfilled((), Matching(), module, ())]
        [('head.weight', False)]
    """
    shared = module.shared_tensors
    filled = {shared.get(name, name) for pair in pairs for name in filled_tensors(pair)}
    partly = _partly_filled(pairs, module)
    remarks = _remarks_by_layer(matching, "module")
    leftovers = []
    for layer in module.layers.values():
        for name in layer.tensors.values():
            if shared.get(name, name) not in filled:
                unknown = f"the store has nothing of its name ({layer.kind}, {module.shapes[name]})"
                why = remarks.get(layer.name, unknown)
                leftovers.append(Leftover(name, why, _is_allowed((layer.name, name), allowed)))
    leftovers += [Leftover(name, why, _is_allowed((name,), allowed)) for name, why in partly.items()]
    return tuple(leftovers)


def _partly_filled(pairs: Sequence[Pair], module: Network) -> dict[str, str]:
    """Return the tensors of which pairs fill some elements only, with the number of them."""
    parts: dict[str, set[TensorLayout]] = {}
    for pair in pairs:
        for role, name in pair.tensors.items():
            parts.setdefault(module.shared_tensors.get(name, name), set()).add(pair.layouts.get(role, TensorLayout()))
    partly = {}
    for name, layouts in parts.items():
        size = prod(module.shapes[name])
        count = sum(size if layout.is_whole else layout.size for layout in layouts)
        if count < size:
            partly[name] = f"the store fills {count} of its {size} elements only"
    return partly


def _remarks_by_layer(matching: Matching, side: str) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for remark in matching.remarks:
        if remark.side == side and remark.text not in texts.setdefault(remark.name, []):
            texts[remark.name].append(remark.text)
    return {name: "; ".join(items[: HEURISTICS.max_remarks_shown]) for name, items in texts.items()}


def _is_allowed(names: tuple[str, ...], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
