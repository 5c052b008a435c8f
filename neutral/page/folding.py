"""Fold a graph into blocks: by the names of its nodes, and long stretches where few values pass."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any, Dict, Sequence, Tuple, Union

from neutral.nesting import label_of, nested

LARGEST = 30
"""Entries of a block, beyond which it is divided into stretches."""

SMALLEST = 3
"""Nodes of a block; smaller groups are dissolved into the block around them."""

MOST_LEVELS = 64
"""Blocks in blocks by names."""

WRAPPER = 0.9
"""A group with this share of a network's nodes is not a block: its members take its place."""

Edge = Tuple[int, int]
Block = Dict[str, Any]
"""Its ``label`` ("" for a stretch), the ``prefix`` in names that it has taken, and its ``members`` in order."""

Entry = Union[int, Block]
"""A node's number, or a block."""


def fold(names: Sequence[str], edges: Sequence[Edge]) -> Block:
    """Fold nodes into nested blocks, each of consecutive nodes.

    Args:
        names: The names of the nodes, in execution order.
        edges: Pairs of the numbers of a producer and of a later consumer.

    Returns:
        The outermost block, of all nodes. No block has more than :data:`LARGEST` members.

    Example:
        >>> names = ["net_stem", *(f"net_stage{i}_{part}" for i in (1, 2) for part in ("conv", "bn", "relu")), "net_fc"]
        >>> block = fold(names, [(number, number + 1) for number in range(7)])
        >>> block["prefix"], block["members"][0], block["members"][1]
        (4, 0, {'label': 'stage1', 'prefix': 11, 'members': [1, 2, 3]})
    """
    members, prefix = _by_names(names), 0
    while True:
        wrapper = next((m for m in members if isinstance(m, dict) and _count([m]) > WRAPPER * len(names)), None)
        if wrapper is None:
            return {"label": "", "prefix": prefix, "members": _Folding(edges).level(members, prefix)}
        position = members.index(wrapper)
        prefix = wrapper["prefix"] if len(members) == 1 else prefix
        members[position : position + 1] = wrapper["members"]


def _by_names(names: Sequence[str]) -> list[Entry]:
    """Return the entries of the outermost level, in blocks by names; deeper names stay in one block."""
    levels: list[list[Entry]] = [[]]
    for item in nested(names):
        del levels[item.depth + 1 :]
        if not item.is_group:
            levels[-1].append(item.first)
        elif len(levels) <= MOST_LEVELS:
            label = label_of(names[item.first], item.start, item.end)
            members: list[Entry] = []
            levels[-1].append({"label": label, "prefix": item.end, "members": members})
            levels.append(members)
    return levels[0]


class _Folding:
    """The division of levels into stretches.

    Args:
        edges: Pairs of a producer and a later consumer.
    """

    def __init__(self, edges: Sequence[Edge]) -> None:
        self._consumers: dict[int, list[int]] = {}
        for producer, consumer in edges:
            self._consumers.setdefault(producer, []).append(consumer)

    def level(self, members: Sequence[Entry], prefix: int) -> list[Entry]:
        """Return the entries of a level, divided until no level is too long."""
        entries: list[Entry] = []
        for member in members:
            if isinstance(member, int):
                entries.append(member)
            elif _count([member]) < SMALLEST:
                entries += range(_first(member), _last(member) + 1)
            else:
                entries.append({**member, "members": self.level(member["members"], member["prefix"])})
        return self._divided(entries, prefix)

    def _divided(self, entries: list[Entry], prefix: int) -> list[Entry]:
        """Put stretches of a level into blocks, until at most :data:`LARGEST` entries are left."""
        if len(entries) <= LARGEST:
            return entries
        crossing = self._crossing(entries)
        stretches = _between_bottlenecks(entries, crossing)
        if not 1 < len(stretches) <= len(entries) / 2:
            stretches = _runs(entries, crossing)
        divided: list[Entry] = []
        for stretch in stretches:
            if len(stretch) == 1 or _count(stretch) < SMALLEST:
                divided += stretch
            else:
                divided.append({"label": "", "prefix": prefix, "members": self._divided(stretch, prefix)})
        return self._divided(divided, prefix) if len(divided) < len(entries) else entries

    def _crossing(self, entries: Sequence[Entry]) -> list[int]:
        """Return, for each boundary between neighbours, the values before it that this level uses after it.

        The node before the level counts, whose output the level mostly works on; others outside do not.
        """
        starts = [_first(entry) for entry in entries]
        low, high = starts[0], _last(entries[-1])
        counts = [0] * (len(entries) + 1)
        for producer in range(low - 1, high + 1):
            within = [consumer for consumer in self._consumers.get(producer, ()) if consumer <= high]
            if within:
                counts[bisect_left(starts, producer + 1)] += 1
                counts[bisect_left(starts, max(within) + 1)] -= 1
        total, crossing = counts[0], []
        for count in counts[1:-1]:
            total += count
            crossing.append(total)
        return crossing


def _between_bottlenecks(entries: Sequence[Entry], crossing: Sequence[int]) -> list[list[Entry]]:
    """Divide where a single value passes; a chain of such places stays with the nodes before it."""
    stretches: list[list[Entry]] = [[entries[0]]]
    for position, entry in enumerate(entries[1:]):
        is_end = crossing[position] <= 1
        continues = position + 1 >= len(crossing) or crossing[position + 1] <= 1
        if is_end and not continues:
            stretches.append([entry])
        else:
            stretches[-1].append(entry)
    return stretches


def _runs(entries: Sequence[Entry], crossing: Sequence[int]) -> list[list[Entry]]:
    """Divide into runs of about one length, each ending where the fewest values pass."""
    length = max(math.ceil(math.sqrt(len(entries))), math.ceil(len(entries) / LARGEST))
    slack = length // 3
    runs: list[list[Entry]] = []
    start = 0
    while len(entries) - start > length + slack:
        ends = range(start + length - slack, start + length + slack + 1)
        end = min(ends, key=lambda end: (crossing[end - 1], abs(end - start - length)))
        runs.append(list(entries[start:end]))
        start = end
    return [*runs, list(entries[start:])]


def _count(entries: Sequence[Entry]) -> int:
    return sum(1 if isinstance(entry, int) else _count(entry["members"]) for entry in entries)


def _first(entry: Entry) -> int:
    return entry if isinstance(entry, int) else _first(entry["members"][0])


def _last(entry: Entry) -> int:
    return entry if isinstance(entry, int) else _last(entry["members"][-1])
