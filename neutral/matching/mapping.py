"""Matching by an explicit mapping: it is obeyed, or it is an error."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Optional, Tuple

from neutral.errors import MatchError, UsageError
from neutral.matching.compatibility import check_compatibility, shape_problem
from neutral.matching.matcher import Match, Matching
from neutral.matching.network import Network

_End = Tuple[str, Optional[str]]
"""A layer and its role; no role means the layer as a whole."""


@dataclass(frozen=True)
class MappingMatcher:
    """``mapping`` leads from a stored layer, by its name or its source's node, to a module's path; or from a tensor, by
    its key or as ``layer.role``, to the name of a parameter or buffer. ``details`` are notes on entries, by key.
    """

    mapping: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)

    def match(self, stored: Network, module: Network, found: Matching) -> Matching:
        """Raises UsageError for an entry that names nothing, MatchError for one whose two sides do not fit."""
        layers = {layer.source.node: layer.name for layer in stored.layers.values() if layer.source.node}
        layers.update({name: name for name in stored.layers})
        tensors: dict[str, tuple[str, str]] = {}
        for layer in stored.layers.values():
            for role, key in layer.tensors.items():
                tensors[f"{layer.name}.{role}"] = (layer.name, role)
                tensors.setdefault(key, (layer.name, role))
        parameters = {
            name: (layer.name, role) for layer in module.layers.values() for role, name in layer.tensors.items()
        }
        matches: list[Match] = []
        for source, target in self.mapping.items():
            wanted: list[tuple[_End, _End]] | None
            if source in layers:
                wanted = _layer_to(stored, layers[source], module, target, parameters)
            elif source in tensors:
                wanted = None if target not in parameters else [(tensors[source], parameters[target])]
            else:
                raise UsageError(f"the mapping names {source!r}, which the store lacks{_near(source, layers)}.")
            if wanted is None:
                names = [*module.layers, *parameters]
                raise UsageError(f"the mapping names {target!r}, which the module lacks{_near(target, names)}.")
            for (layer_name, layer_role), (target_layer, target_role) in wanted:
                if layer_role is None or target_role is None:
                    verdict = check_compatibility(stored, layer_name, module, target_layer)
                    problem, roles = verdict.problem, dict(verdict.roles)
                else:
                    problem = shape_problem(stored, layer_name, layer_role, module, target_layer, target_role)
                    roles = {layer_role: target_role}
                if problem:
                    raise MatchError(f"the mapping of {source!r} to {target!r} cannot be: {problem}.")
                detail = self.details.get(source, "")
                matches.append(Match(layer_name, target_layer, "mapping", detail, roles, whole=layer_role is None))
        return Matching(tuple(matches))


def _layer_to(
    stored: Network, layer: str, module: Network, target: str, parameters: Mapping[str, tuple[str, str]]
) -> list[tuple[_End, _End]] | None:
    """What a mapping of a layer means: a layer to a layer, its only tensor to a parameter, or, where the target is a
    module of an unknown type, each of its tensors to the parameter of the same name. None where the target is unknown.
    """
    roles = stored.layers[layer].tensors
    if target in module.layers and module.layers[target].kind != "parameter":
        return [((layer, None), (target, None))]
    if target in parameters and len(roles) == 1:
        return [((layer, role), parameters[target]) for role in roles]
    prefix = f"{target}." if target else ""
    if roles and all(prefix + role in parameters for role in roles):
        return [((layer, role), parameters[prefix + role]) for role in roles]
    return None


def _near(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
