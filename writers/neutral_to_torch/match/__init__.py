"""Finding which stored layer belongs to which layer of a module.

A matcher gets two :class:`Side` and gives :class:`Match`, the same for every way to match; which ways there are, and
in which order they are asked, is up to the caller.
"""

from __future__ import annotations

from neutral_to_torch.match.fit import Fit, fit
from neutral_to_torch.match.mapping import MappingMatcher
from neutral_to_torch.match.matcher import Match, Matcher, Matching, Remark, run
from neutral_to_torch.match.names import NameMatcher
from neutral_to_torch.match.sides import Form, Side, stored_side
from neutral_to_torch.match.structure import StructureMatcher

__all__ = [
    "Fit",
    "Form",
    "MappingMatcher",
    "Match",
    "Matcher",
    "Matching",
    "NameMatcher",
    "Remark",
    "Side",
    "StructureMatcher",
    "fit",
    "run",
    "stored_side",
]
