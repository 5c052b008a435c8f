"""Mark the attributes that may differ though they change the results."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Iterator, Sequence

from neutral.matching.attributes import Difference
from neutral.matching.plan_entries import Pair, child
from neutral.matching.target import Target


def allow_differences(
    pairs: Sequence[Pair], target: Target, patterns: Sequence[str], set_attributes: bool
) -> Iterator[Pair]:
    """Yield pairs whose differences say whether strict loading accepts them.

    Args:
        pairs: The pairs of a plan.
        target: The module.
        patterns: Shell patterns of attributes, alone (``eps``) or below a layer of either side (``conv1.stride``).
        set_attributes: Accept also attributes that the module can be given.

    Yields:
        The pairs in their order.
    """

    def is_allowed(pair: Pair, item: Difference) -> bool:
        names = (item.attribute, f"{pair.layer}.{item.attribute}", child(pair.module, item.attribute))
        if any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
            return True
        return set_attributes and target.can_set(pair.module, item.attribute, item.stored)

    for pair in pairs:
        if any(item.is_problem for item in pair.differences):
            differences = (
                replace(item, allowed=item.is_problem and is_allowed(pair, item)) for item in pair.differences
            )
            yield replace(pair, differences=tuple(differences))
        else:
            yield pair
