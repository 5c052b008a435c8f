"""The one interface of all ways to find which layer belongs to which, and how they take turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Mapping, Protocol, Sequence

from neutral.matching.network import Network


@dataclass(frozen=True)
class Match:
    """A stored layer and the module's layer it belongs to.

    ``reason`` is ``mapping``, ``name``, ``structure`` or ``activation``; ``detail`` says for people how sure that is.
    ``roles`` maps stored roles to the module's. ``whole``: the layers match as such, and roles that only one of them
    has are accounted for by :func:`neutral.matching.compatibility.fit`; else single tensors match, those of ``roles``.
    """

    stored: str
    module: str
    reason: str
    detail: str
    roles: Mapping[str, str]
    whole: bool = True


@dataclass(frozen=True)
class Remark:
    """Why a layer was left over though there was a candidate. ``side`` is ``stored`` or ``module``."""

    side: str
    name: str
    text: str


@dataclass(frozen=True)
class Matching:
    """What matchers found, and what they say of the rest.

    ``ambiguities`` are stored layers and as many of the module's that nothing tells apart.
    """

    matches: tuple[Match, ...] = ()
    remarks: tuple[Remark, ...] = ()
    ambiguities: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()

    def open_stored(self, side: Network) -> set[tuple[str, str | None]]:
        """The stored side's layers in no match, as ``(layer, None)``, and tensors in none, as ``(layer, role)``."""
        return _open(side, [(m.stored, m.whole, m.roles.keys()) for m in self.matches])

    def open_module(self, side: Network) -> set[tuple[str, str | None]]:
        """The same for the module's side."""
        return _open(side, [(m.module, m.whole, m.roles.values()) for m in self.matches])


class Matcher(Protocol):
    """One way to match. It sees what the ones before it found, and gives what it adds."""

    def match(self, stored: Network, module: Network, found: Matching) -> Matching: ...


def run_matchers(
    matchers: Sequence[Matcher], stored: Network, module: Network, given: Matching = Matching()
) -> Matching:
    """Run every matcher on the layers left by the ones before; drop remarks on layers matched later."""
    found = given
    for matcher in matchers:
        new = matcher.match(stored, module, found)
        found = Matching(found.matches + new.matches, found.remarks + new.remarks, found.ambiguities + new.ambiguities)
    left = {("stored", name) for name, _ in found.open_stored(stored)}
    left |= {("module", name) for name, _ in found.open_module(module)}
    return Matching(
        found.matches,
        tuple(remark for remark in found.remarks if (remark.side, remark.name) in left),
        tuple(tie for tie in found.ambiguities if all(("stored", name) in left for name in tie[0])),
    )


def _open(side: Network, matched: list[tuple[str, bool, Iterable[str]]]) -> set[tuple[str, str | None]]:
    touched = {layer for layer, _, _ in matched}
    whole = {layer for layer, is_whole, _ in matched if is_whole}
    roles = {(layer, role) for layer, _, names in matched for role in names}
    found: set[tuple[str, str | None]] = {(name, None) for name in side.layers if name not in touched}
    for name, layer in side.layers.items():
        if name not in whole:
            found |= {(name, role) for role in layer.tensors if (name, role) not in roles}
    return found
