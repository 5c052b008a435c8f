"""Expand the patterns of a mapping: regular expressions of stored names, whose groups appear in the module's names."""

from __future__ import annotations

import re
from typing import Collection, Mapping

from neutral.cpu_time import limited_cpu_time
from neutral.errors import UsageError
from neutral.limits import PATTERN_SECONDS

_REFERENCE = re.compile(r"\$(\d+)")


def expand_patterns(mapping: Mapping[str, str], *names: Collection[str]) -> dict[str, str]:
    """Replace each pattern of a mapping by an entry for every name that it matches as a whole.

    An entry whose key is a name is not a pattern. Names that have an entry of their own are left out of patterns.

    Args:
        mapping: Names or patterns to targets; ``$1`` in a target stands for the first group of its pattern.
        names: Collections of names, such as layers and then tensors; a pattern stands for names of the first
            collection in which it matches any.

    Returns:
        The entries by name. An entry that matches nothing is kept as it is.

    Raises:
        UsageError: A target refers to a group that its pattern lacks, two patterns match one name, or a pattern takes
            more CPU time than the limit ``pattern-seconds``.

    Example:
        >>> expand_patterns({r"layers.(\\d+).conv": "features.$1.0"}, ["layers.0.conv", "layers.12.conv", "fc"])
        {'layers.0.conv': 'features.0.0', 'layers.12.conv': 'features.12.0'}
    """
    exact = {key for key in mapping if any(key in group for group in names)}
    entries: dict[str, str] = {}
    pattern_of: dict[str, str] = {}
    for key, target in mapping.items():
        matches = {} if key in exact else _matches(key, names)
        if not matches:
            entries[key] = target
        for name, match in matches.items():
            if name in exact:
                continue
            if name in pattern_of:
                raise UsageError(f"the mapping's patterns {pattern_of[name]!r} and {key!r} both match {name}.")
            pattern_of[name] = key
            entries[name] = _substitute(target, match, key)
    return entries


def _matches(pattern: str, names: tuple[Collection[str], ...]) -> dict[str, re.Match[str]]:
    too_long = UsageError(f"the mapping's pattern {pattern!r} takes too long. {PATTERN_SECONDS.advice}")
    with limited_cpu_time(PATTERN_SECONDS.value, too_long):
        try:
            expression = re.compile(pattern)
        except (re.error, RecursionError, OverflowError):  # a name that is unknown, and is reported as such
            return {}
        for group in names:
            matches = {name: match for name in group for match in [expression.fullmatch(name)] if match is not None}
            if matches:
                return matches
        return {}


def _substitute(target: str, match: re.Match[str], pattern: str) -> str:
    def group(reference: re.Match[str]) -> str:
        number = int(reference.group(1))
        if not 0 < number <= len(match.groups()):
            count = len(match.groups())
            raise UsageError(
                f"the mapping's target {target!r} refers to ${number}, and {pattern!r} has {count} groups."
            )
        return match.group(number) or ""

    return _REFERENCE.sub(group, target)
