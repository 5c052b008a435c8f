"""Turn matches into the pairs of a plan."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from neutral.graph import Layer
from neutral.matching.attributes import Difference, differences
from neutral.matching.compatibility import check_compatibility
from neutral.matching.matcher import Match, Matching
from neutral.matching.network import Network
from neutral.matching.plan_entries import Pair, child
from neutral.matching.target import Target


def make_pairs(matching: Matching, stored: Network, target: Target) -> tuple[Pair, ...]:
    """Group matches by stored layer and by the module that owns the tensors.

    Args:
        matching: The matches of ``stored`` with the target's network.
        stored: The store's network.
        target: The module to be filled.

    Returns:
        The pairs in the store's order, with differences of attributes and the nodes that use each layer.
    """
    module = target.network
    by_owner: dict[tuple[str, str], list[Match]] = {}
    for match in matching.matches:
        owner = _owner(module.layers[match.module])
        by_owner.setdefault((match.stored, owner), []).append(match)
    uses = _uses(stored, {match.stored for match in matching.matches})
    order = {name: position for position, name in enumerate(stored.layers)}
    return tuple(
        _make_pair(matches, owner, stored, target, uses.get(name, ()))
        for (name, owner), matches in sorted(by_owner.items(), key=lambda item: order[item[0][0]])
    )


def _make_pair(matches: list[Match], owner: str, stored: Network, target: Target, nodes: tuple[str, ...]) -> Pair:
    first, module = matches[0], target.network
    layer = stored.layers[first.stored]
    verdict = check_compatibility(stored, layer.name, module, first.module) if first.whole else None
    return Pair(
        layer=layer.name,
        module=owner,
        kind=layer.kind,
        reason=first.reason,
        detail=first.detail,
        tensors={
            role: module.layers[match.module].tensors[module_role]
            for match in matches
            for role, module_role in match.roles.items()
        },
        dropped=verdict.dropped if verdict else {},
        constants=verdict.constants if verdict else {},
        differences=_differences(layer, first, target),
        nodes=nodes,
        layouts={
            role: layout
            for match in matches
            for role, module_role in match.roles.items()
            for layout in (match.layouts.get(role) or module.layout(match.module, module_role),)
            if not layout.is_whole
        },
    )


def _owner(layer: Layer) -> str:
    """Return the path of the module that owns a layer's tensors."""
    if layer.tensors and not all(name == child(layer.name, role) for role, name in layer.tensors.items()):
        return next(iter(layer.tensors.values())).rpartition(".")[0]
    return layer.name


def _differences(layer: Layer, match: Match, target: Target) -> tuple[Difference, ...]:
    module_layer = target.network.layers[match.module]
    if not match.whole or module_layer.kind == "parameter":
        return ()
    is_module = _owner(module_layer) == module_layer.name
    implied: Mapping[str, Any] = target.implied_attributes(module_layer.name) if is_module else {}
    return differences(layer, module_layer, implied)


def _uses(stored: Network, matched: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the nodes that use each matched layer's tensors, in execution order; without a graph, its source's node.

    The nodes of a layer that is not matched count for the first matched layer with the same tensors.
    """
    if stored.graph is None:
        return {name: (stored.layers[name].source.node or name,) for name in matched}
    content = {name: frozenset(layer.tensors.items()) for name, layer in stored.layers.items()}
    first: dict[object, str] = {}
    for name in stored.layers:
        if name in matched:
            first.setdefault(content[name], name)
    uses: dict[str, list[str]] = {name: [] for name in matched}
    for node in stored.graph.nodes:
        if node.layer is not None and node.layer in content:
            owner = node.layer if node.layer in matched else first.get(content[node.layer])
            if owner is not None:
                uses[owner].append(node.name)
    return {name: tuple(nodes) for name, nodes in uses.items()}


def filled_tensors(pair: Pair) -> Iterator[str]:
    """Yield the names of the module's tensors that a pair fills, from the store or with a constant.

    Args:
        pair: A pair of a plan.

    Yields:
        Keys of the module's state dict: first those filled with stored tensors, then those filled with constants.

    Example:
        >>> pair = Pair("fc1", "head", "linear", "name", "", {"weight": "head.weight"}, constants={"bias": "zeros"})
        >>> list(filled_tensors(pair))
        ['head.weight', 'head.bias']
    """
    yield from pair.tensors.values()
    yield from (child(pair.module, role) for role in pair.constants)
