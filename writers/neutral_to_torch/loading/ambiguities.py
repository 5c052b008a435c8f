"""Layers that neither structure nor names tell apart, decided by what a golden file recorded."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field, replace
from typing import Callable

from torch import nn

from neutral.errors import NeutralError
from neutral.matching import Match, Matching, Network, check_compatibility
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden

TOLERANCE = 1e-3
"""In units of the largest recorded magnitude. Another layer's weights change a value by as much as its magnitude."""

MOST_TRIALS = 64

Attempt = Callable[[Matching], Matching]
"""The matching that follows from pairs that are given."""


def resolve(
    ours: Network, theirs: Network, found: Matching, attempt: Attempt, accepts: Callable[[Matching], bool]
) -> Matching:
    """Return the first decision of all ambiguities that ``accepts`` holds of; ``found`` where there is none.

    One pair is assumed at a time, and what follows from it is matched, so that the layers of a branch stay together.
    """
    return _Search(ours, theirs, attempt, accepts).resolve(found, ()) or found


@dataclass
class _Search:
    ours: Network
    theirs: Network
    attempt: Attempt
    accepts: Callable[[Matching], bool]
    trials: int = 0
    ambiguous: dict[str, int] = field(default_factory=dict)
    """The stored layers that were in an ambiguity, with how many were in it."""

    def resolve(self, found: Matching, assumed: tuple[Match, ...]) -> Matching | None:
        if not found.ambiguities:
            self.trials += 1
            return self._explained(found) if self.accepts(found) else None
        for names, _ in found.ambiguities:
            for name in names:
                self.ambiguous.setdefault(name, len(names))
        stored, candidates = found.ambiguities[0]
        for target in candidates:
            if self.trials < MOST_TRIALS:
                roles = dict(check_compatibility(self.ours, stored[0], self.theirs, target).roles)
                pairs = (*assumed, Match(stored[0], target, "activation", "", roles))
                resolved = self.resolve(self.attempt(Matching(pairs)), pairs)
                if resolved is not None:
                    return resolved
        return None

    def _explained(self, found: Matching) -> Matching:
        matches = tuple(
            replace(
                match,
                reason="activation",
                detail=f"one of {self.ambiguous[match.stored]} alike; so the recorded values are reproduced",
            )
            if match.stored in self.ambiguous
            else match
            for match in found.matches
        )
        return replace(found, matches=matches)


def reproduces(module: nn.Module, store: Store, plan: Plan, golden: Golden) -> bool:
    """Whether a copy of the module, loaded by the plan, computes what was recorded, in every layer and output."""
    from neutral_to_torch.loading.load import load_into  # which plans, and planning asks this
    from neutral_to_torch.verification.verify import verify

    trial = copy.deepcopy(module)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            load_into(trial, store, plan, strict=False, set_attributes=True)
        return verify(trial, golden, plan, store=store, tolerance=TOLERANCE, end_to_end=TOLERANCE).ok
    except NeutralError:
        return False
