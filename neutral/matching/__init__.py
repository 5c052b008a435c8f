"""Match the layers of a store with those of a module, of any framework.

:func:`make_plan` is the whole: two typed dataflow graphs in, a plan out. A writer describes its framework's module as
a :class:`Target`; matchers see two :class:`Network` and return a :class:`Matching`.
"""

from __future__ import annotations

from neutral.matching.compatibility import Compatibility, check_compatibility
from neutral.matching.equivalence import Alignment, EquivalenceQuery, NumericalProbe
from neutral.matching.layouts import TensorLayout
from neutral.matching.mapping_file import Mappable
from neutral.matching.mapping_matcher import MappingMatcher
from neutral.matching.matcher import Match, Matcher, Matching, Remark, run_matchers
from neutral.matching.names import NameMatcher
from neutral.matching.network import Network, describe_store
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Leftover, Pair
from neutral.matching.planning import make_plan
from neutral.matching.structure import StructureMatcher
from neutral.matching.target import Target

__all__ = [
    "Alignment",
    "Compatibility",
    "EquivalenceQuery",
    "Leftover",
    "Mappable",
    "MappingMatcher",
    "Match",
    "Matcher",
    "Matching",
    "NameMatcher",
    "Network",
    "NumericalProbe",
    "Pair",
    "Plan",
    "Remark",
    "StructureMatcher",
    "Target",
    "TensorLayout",
    "check_compatibility",
    "describe_store",
    "make_plan",
    "run_matchers",
]
