"""Match by an explicit mapping, which is obeyed or an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Tuple

from neutral.errors import MatchError, UsageError
from neutral.matching.compatibility import check_compatibility, find_shape_conflict
from neutral.matching.layouts import TensorLayout
from neutral.matching.matcher import Match, Matching
from neutral.matching.network import Network
from neutral.matching.rename_patterns import expand_patterns
from neutral.text import suggestion

_End = Tuple[str, Optional[str]]
"""A layer and its role; None for the layer as a whole."""


@dataclass(frozen=True)
class MappingMatcher:
    """Matcher that follows a mapping.

    Attributes:
        mapping: From a stored layer, by its name or its source's node, to a module's path; or from a tensor, by its
            key or as ``layer.role``, to the name of a parameter or buffer. A name may be a pattern; see
            :func:`neutral.matching.rename_patterns.expand_patterns`.
        details: Text on entries, by key.
        layouts: The layouts of roles, by stored layer, in the tensors that the mapping gives.

    Example:
        >>> from neutral.graph import Layer
        >>> stored = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, {"fc.weight": (2, 3)})
        >>> module = Network({"head": Layer("head", "linear", {}, {"weight": "head.weight"})}, {"head.weight": (2, 3)})
        >>> MappingMatcher({"fc": "head"}).match(stored, module, Matching()).matches[0].module
        'head'
    """

    mapping: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)
    layouts: Mapping[str, Mapping[str, TensorLayout]] = field(default_factory=dict)

    def match(self, stored: Network, module: Network, previous: Matching) -> Matching:
        """Match the layers and tensors that the mapping names.

        Args:
            stored: The store's network.
            module: The module's network.
            previous: The matching by the matchers before.

        Returns:
            The additions to ``previous``.

        Raises:
            UsageError: An entry names an unknown layer or tensor.
            MatchError: The two sides of an entry do not fit.
        """
        layers, tensors = _stored_layers(stored), _stored_tensors(stored)
        parameters = {
            name: (layer.name, role) for layer in module.layers.values() for role, name in layer.tensors.items()
        }
        matches: list[Match] = []
        for source, target in expand_mapping(self.mapping, stored).items():
            ends: list[tuple[_End, _End]] | None
            if source in layers:
                ends = _resolve_layer(stored, layers[source], module, target, parameters)
            elif source in tensors:
                ends = None if target not in parameters else [(tensors[source], parameters[target])]
            else:
                raise UsageError(f"the mapping names {source!r}, which the store lacks.{suggestion(source, layers)}")
            if ends is None:
                names = [*module.layers, *parameters]
                raise UsageError(f"the mapping names {target!r}, which the module lacks.{suggestion(target, names)}")
            for stored_end, module_end in ends:
                matches.append(self._match(stored, stored_end, module, module_end, source, target))
        return Matching(tuple(matches))

    def _match(
        self, stored: Network, stored_end: _End, module: Network, module_end: _End, source: str, target: str
    ) -> Match:
        (layer, role), (module_layer, module_role) = stored_end, module_end
        layouts = self.layouts.get(layer, {})
        own = layouts if role is None else {module_role or role: layouts[role]} if role in layouts else {}
        module = _with_layouts(module, module_layer, own)
        if role is None or module_role is None:
            verdict = check_compatibility(stored, layer, module, module_layer)
            problem, roles = verdict.problem, dict(verdict.roles)
        else:
            problem = find_shape_conflict(stored, layer, role, module, module_layer, module_role)
            roles = {role: module_role}
        if problem:
            raise MatchError(f"the mapping of {source!r} to {target!r} cannot be: {problem}.")
        given = {name: item for name, item in layouts.items() if name in roles}
        return Match(layer, module_layer, "mapping", self.details.get(source, ""), roles, role is None, given)


def expand_mapping(mapping: Mapping[str, str], stored: Network) -> dict[str, str]:
    """Replace the patterns of a mapping by entries for the stored names that they match.

    Args:
        mapping: A mapping as of :class:`MappingMatcher`.
        stored: The store's network.

    Returns:
        The entries by the names of layers, nodes and tensors; see
        :func:`neutral.matching.rename_patterns.expand_patterns`.

    Raises:
        UsageError: A pattern cannot be used.

    Example:
        >>> from neutral.graph import Layer
        >>> stored = Network({"fc1": Layer("fc1", "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        >>> expand_mapping({r"fc(\\d)": "head.$1"}, stored)
        {'fc1': 'head.1'}
    """
    return expand_patterns(mapping, stored.layers, _stored_layers(stored), _stored_tensors(stored))


def _with_layouts(module: Network, layer: str, layouts: Mapping[str, TensorLayout]) -> Network:
    """Return the module's network with the layouts of a layer's roles."""
    if not layouts:
        return module
    return replace(module, layouts={**module.layouts, **{(layer, role): item for role, item in layouts.items()}})


def _stored_layers(stored: Network) -> dict[str, str]:
    """Return the name of each layer, by its name and by its source's node."""
    layers = {layer.source.node: layer.name for layer in stored.layers.values() if layer.source.node}
    return {**layers, **{name: name for name in stored.layers}}


def _stored_tensors(stored: Network) -> dict[str, tuple[str, str]]:
    """Return the layer and role of each tensor, by ``layer.role`` and by key."""
    tensors: dict[str, tuple[str, str]] = {}
    for layer in stored.layers.values():
        for role, key in layer.tensors.items():
            tensors[f"{layer.name}.{role}"] = (layer.name, role)
            tensors.setdefault(key, (layer.name, role))
    return tensors


def _resolve_layer(
    stored: Network, layer: str, module: Network, target: str, parameters: Mapping[str, tuple[str, str]]
) -> list[tuple[_End, _End]] | None:
    """Return the ends that the mapping of a layer means, None where the target is unknown.

    A layer leads to a layer, or its only tensor to a parameter, or, where the target is a module of an unknown type,
    each of its tensors to the parameter of the same name.
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
