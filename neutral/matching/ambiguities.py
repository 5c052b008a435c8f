"""Decide ambiguous matches, which neither structure nor names tell apart, by trying them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable

from neutral.matching.compatibility import check_compatibility
from neutral.matching.heuristics import HEURISTICS
from neutral.matching.matcher import Match, Matching
from neutral.matching.network import Network

Rematch = Callable[[Matching], Matching]
"""Return the matching that follows from given matches."""

Accepts = Callable[[Matching], bool]
"""Return whether a matching is right, such as by running the module that it fills on recorded inputs."""


def resolve_ambiguities(
    stored: Network, module: Network, matching: Matching, rematch: Rematch, accepts: Accepts
) -> Matching:
    """Search for a decision of all ambiguities that is accepted.

    One match is assumed at a time and its consequences are matched, which keeps the layers of a branch together.

    Args:
        stored: The store's network.
        module: The module's network.
        matching: A matching with ambiguities.
        rematch: Match again, given the assumed matches.
        accepts: Test a matching without ambiguities.

    Returns:
        The first accepted matching; ``matching`` where none is accepted within ``Heuristics.max_trials`` tests.

    Example:
        >>> from neutral.graph import Layer
        >>> layers = {name: Layer(name, "linear", {}, {"weight": name}) for name in "ab"}
        >>> network = Network(layers, {"a": (2, 3), "b": (2, 3)})
        >>> ambiguous = Matching(ambiguities=((("a", "b"), ("a", "b")),))
        >>> resolved = resolve_ambiguities(network, network, ambiguous, lambda given: given, lambda matching: True)
        >>> [(match.stored, match.module) for match in resolved.matches]
        [('a', 'a')]
    """
    return _Search(stored, module, rematch, accepts).resolve(matching, ()) or matching


@dataclass
class _Search:
    stored: Network
    module: Network
    rematch: Rematch
    accepts: Accepts
    trials: int = 0
    group_sizes: dict[str, int] = field(default_factory=dict)
    """The number of layers in the ambiguity of each stored layer that was in one."""

    def resolve(self, matching: Matching, assumed: tuple[Match, ...]) -> Matching | None:
        if not matching.ambiguities:
            self.trials += 1
            return self._with_reasons(matching) if self.accepts(matching) else None
        for names, _ in matching.ambiguities:
            for name in names:
                self.group_sizes.setdefault(name, len(names))
        stored, candidates = matching.ambiguities[0]
        for candidate in candidates:
            if self.trials < HEURISTICS.max_trials:
                roles = dict(check_compatibility(self.stored, stored[0], self.module, candidate).roles)
                matches = (*assumed, Match(stored[0], candidate, "activation", "", roles))
                resolved = self.resolve(self.rematch(Matching(matches)), matches)
                if resolved is not None:
                    return resolved
        return None

    def _with_reasons(self, matching: Matching) -> Matching:
        return replace(matching, matches=tuple(map(self._with_reason, matching.matches)))

    def _with_reason(self, match: Match) -> Match:
        if match.stored not in self.group_sizes:
            return match
        detail = f"one of {self.group_sizes[match.stored]} alike; so the recorded or stored values are reproduced"
        return replace(match, reason="activation", detail=detail)
