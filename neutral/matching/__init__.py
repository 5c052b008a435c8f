"""Finding which stored layer belongs to which layer of a module.

A matcher gets two :class:`Network` and gives :class:`Match`, the same for every way to match; which ways there are, and
in which order they are asked, is up to the caller.
"""

from __future__ import annotations

from neutral.matching.compatibility import Compatibility, check_compatibility
from neutral.matching.mapping import MappingMatcher
from neutral.matching.matcher import Match, Matcher, Matching, Remark, run_matchers
from neutral.matching.names import NameMatcher
from neutral.matching.network import Network, TensorLayout, describe_store
from neutral.matching.structure import StructureMatcher

__all__ = [
    "Compatibility",
    "MappingMatcher",
    "Match",
    "Matcher",
    "Matching",
    "NameMatcher",
    "Network",
    "Remark",
    "StructureMatcher",
    "TensorLayout",
    "check_compatibility",
    "describe_store",
    "run_matchers",
]
