"""Finding which stored layer belongs to which layer of a module.

A matcher gets two :class:`Side` and gives :class:`Match`, the same for every way to match; which ways there are, and
in which order they are asked, is up to the caller.
"""

from __future__ import annotations

from neutral.matching.fit import Fit, fit
from neutral.matching.mapping import MappingMatcher
from neutral.matching.matcher import Match, Matcher, Matching, Remark, run
from neutral.matching.names import NameMatcher
from neutral.matching.sides import Form, Side, stored_side
from neutral.matching.structure import StructureMatcher

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
