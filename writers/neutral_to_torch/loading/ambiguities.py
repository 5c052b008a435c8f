"""Layers that neither structure nor names tell apart, decided by what a golden file recorded."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field, replace
from typing import Callable

from torch import nn

from neutral.errors import NeutralError
from neutral.matching import Match, Matching, Side, fit
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden

TOLERANCE = 1e-3
"""In units of the largest recorded magnitude. Another layer's weights change a value by as much as its magnitude."""

MOST_TRIALS = 64

Attempt = Callable[[Matching], Matching]
"""The matching that follows from pairs that are given."""


def settle(ours: Side, theirs: Side, found: Matching, attempt: Attempt, proves: Callable[[Matching], bool]) -> Matching:
    """The first way to decide all ties that ``proves`` holds of; ``found``, with its ties, where none does.

    One pair is assumed at a time, and what follows from it is matched, so that the layers of a branch stay together.
    """
    return _Search(ours, theirs, attempt, proves).settle(found, ()) or found


@dataclass
class _Search:
    ours: Side
    theirs: Side
    attempt: Attempt
    proves: Callable[[Matching], bool]
    trials: int = 0
    tied: dict[str, int] = field(default_factory=dict)
    """The stored layers that were in a tie, with how many were in it."""

    def settle(self, found: Matching, assumed: tuple[Match, ...]) -> Matching | None:
        if not found.ties:
            self.trials += 1
            return self._explained(found) if self.proves(found) else None
        for names, _ in found.ties:
            for name in names:
                self.tied.setdefault(name, len(names))
        stored, candidates = found.ties[0]
        for target in candidates:
            if self.trials < MOST_TRIALS:
                roles = dict(fit(self.ours, stored[0], self.theirs, target).roles)
                pairs = (*assumed, Match(stored[0], target, "activation", "", roles))
                settled = self.settle(self.attempt(Matching(pairs)), pairs)
                if settled is not None:
                    return settled
        return None

    def _explained(self, found: Matching) -> Matching:
        matches = tuple(
            replace(
                match,
                reason="activation",
                detail=f"one of {self.tied[match.stored]} alike; so the recorded values are reproduced",
            )
            if match.stored in self.tied
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
