"""Interface of matchers, and the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping, Protocol, Sequence

from neutral.matching.layouts import TensorLayout
from neutral.matching.network import Network


@dataclass(frozen=True)
class Match:
    """A stored layer and its layer in the module.

    Attributes:
        stored: The stored layer.
        module: The module's layer.
        reason: The evidence: ``mapping``, ``name``, ``structure`` or ``activation``.
        detail: Text on the strength of the evidence.
        roles: The module's role of each stored role.
        whole: Whether the layers match as such. Roles that only one of them has are then those of
            :func:`neutral.matching.compatibility.check_compatibility`; otherwise only the tensors of ``roles`` match.
        layouts: The layouts of stored roles in the module's tensors that the match gives; others are the network's.

    Example:
        >>> Match("fc0", "classifier", "name", "the same words", {"weight": "weight"}).roles
        {'weight': 'weight'}
    """

    stored: str
    module: str
    reason: str
    detail: str
    roles: Mapping[str, str]
    whole: bool = True
    layouts: Mapping[str, TensorLayout] = field(default_factory=dict)


@dataclass(frozen=True)
class Remark:
    """The reason why a layer is left over though there was a candidate.

    Attributes:
        side: ``stored`` or ``module``.
        name: The layer.
        text: The reason.

    Example:
        >>> Remark("stored", "fc0", "fc0.weight has shape (2, 3), the module's fc.weight has (5, 3)").side
        'stored'
    """

    side: str
    name: str
    text: str


@dataclass(frozen=True)
class Matching:
    """Matches, and remarks on the layers without one.

    Attributes:
        matches: The matches.
        remarks: The remarks.
        ambiguities: Stored layers, and equally many of the module's, that no evidence tells apart.

    Example:
        >>> from neutral.graph import Layer
        >>> network = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, {"fc.weight": (2, 3)})
        >>> sorted(Matching().unmatched_stored(network), key=str)
        [('fc', 'weight'), ('fc', None)]
    """

    matches: tuple[Match, ...] = ()
    remarks: tuple[Remark, ...] = ()
    ambiguities: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()

    def unmatched_stored(self, network: Network) -> set[tuple[str, str | None]]:
        """Return the stored layers in no match, as ``(layer, None)``, and tensors in none, as ``(layer, role)``.

        Args:
            network: The store's network.

        Returns:
            The layers and tensors, among them every tensor of a layer in no match.
        """
        return _unmatched(network, [(m.stored, m.whole, m.roles.keys()) for m in self.matches])

    def unmatched_module(self, network: Network) -> set[tuple[str, str | None]]:
        """Return the module's layers and tensors in no match; see :meth:`unmatched_stored`.

        Args:
            network: The module's network.

        Returns:
            Layers and tensors, as :meth:`unmatched_stored` gives them.
        """
        return _unmatched(network, [(m.module, m.whole, m.roles.values()) for m in self.matches])


class Matcher(Protocol):
    """A way to match layers.

    Example:
        A matcher that pairs the only layer of each side:

        >>> from neutral.graph import Layer
        >>> class OnlyLayer:
        ...     def match(self, stored, module, previous):
        ...         (one,), (other,) = stored.layers, module.layers
        ...         return Matching((Match(one, other, "structure", "the only layer", {"weight": "weight"}),))
        >>> matcher: Matcher = OnlyLayer()
        >>> stored = Network({"fc1": Layer("fc1", "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        >>> module = Network({"head": Layer("head", "linear", {}, {"weight": "head.weight"})}, {"head.weight": (2, 3)})
        >>> [(match.stored, match.module) for match in run_matchers([matcher], stored, module).matches]
        [('fc1', 'head')]
    """

    def match(self, stored: Network, module: Network, previous: Matching) -> Matching:
        """Match layers that are in no match yet.

        Args:
            stored: The store's network.
            module: The module's network.
            previous: The matching by the matchers before.

        Returns:
            The additions to ``previous``.
        """
        ...


def run_matchers(
    matchers: Sequence[Matcher], stored: Network, module: Network, given: Matching = Matching()
) -> Matching:
    """Run matchers in order, each on the layers that the ones before left over.

    Args:
        matchers: The matchers.
        stored: The store's network.
        module: The module's network.
        given: A matching to start from.

    Returns:
        All matches, with the remarks and ambiguities of the layers that are still unmatched.

    Example:
        >>> from neutral.graph import Layer
        >>> from neutral.matching.names import NameMatcher
        >>> network = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, {"fc.weight": (2, 3)})
        >>> [(match.stored, match.reason) for match in run_matchers([NameMatcher()], network, network).matches]
        [('fc', 'name')]
    """
    matching = given
    for matcher in matchers:
        new = matcher.match(stored, module, matching)
        matching = Matching(
            matching.matches + new.matches, matching.remarks + new.remarks, matching.ambiguities + new.ambiguities
        )
    unmatched = {("stored", name) for name, _ in matching.unmatched_stored(stored)}
    unmatched |= {("module", name) for name, _ in matching.unmatched_module(module)}
    return Matching(
        matching.matches,
        tuple(remark for remark in matching.remarks if (remark.side, remark.name) in unmatched),
        tuple(item for item in matching.ambiguities if all(("stored", name) in unmatched for name in item[0])),
    )


def _unmatched(network: Network, matched: list[tuple[str, bool, Iterable[str]]]) -> set[tuple[str, str | None]]:
    touched = {layer for layer, _, _ in matched}
    whole = {layer for layer, is_whole, _ in matched if is_whole}
    roles = {(layer, role) for layer, _, names in matched for role in names}
    unmatched: set[tuple[str, str | None]] = {(name, None) for name in network.layers if name not in touched}
    for name, layer in network.layers.items():
        if name not in whole:
            unmatched |= {(name, role) for role in layer.tensors if (name, role) not in roles}
    return unmatched
