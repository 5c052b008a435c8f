"""The hierarchy in names: neighbours whose names begin with the same parts form a group."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Iterator, NamedTuple, Sequence

SEPARATORS = "._/"
_PART = re.compile(r"[._/]*[^._/]+[._/](?=.)", re.DOTALL)


class Nested(NamedTuple):
    """A name, or a group of at least two neighbours.

    Attributes:
        depth: The number of groups around it.
        first: The position of the name, or of the group's first name.
        stop: The position after the last one.
        start: The number of characters that the groups around have taken of the names.
        end: The number that the group has taken, too; for a name, ``start``.
    """

    depth: int
    first: int
    stop: int
    start: int
    end: int

    @property
    def is_group(self) -> bool:
        """Whether it is a group; its members follow it."""
        return self.end > self.start


def nested(names: Sequence[str]) -> Iterator[Nested]:
    """Group neighbours by the parts of their names, which dots, underscores and slashes separate.

    Names may have thousands of parts: nothing recurs.

    Args:
        names: The names, in an order that is kept.

    Yields:
        Groups before their members.

    Example:
        >>> [(item.depth, item.first, item.stop, item.is_group) for item in nested(["a_conv", "a_bn", "fc"])]
        [(0, 0, 2, True), (1, 0, 1, False), (1, 1, 2, False), (0, 2, 3, False)]
    """
    levels = [_level(names, range(len(names)), 0, 0)]
    while levels:
        item = next(levels[-1], None)
        if item is None:
            levels.pop()
            continue
        yield item
        if item.is_group:
            levels.append(_level(names, range(item.first, item.stop), item.end, item.depth + 1))


def _level(names: Sequence[str], positions: range, start: int, depth: int) -> Iterator[Nested]:
    """Yield the groups and names of one level."""
    for part, members in groupby(positions, key=lambda position: next_part(names[position], start)):
        group = list(members)
        if len(group) == 1 or not part:
            yield from (Nested(depth, position, position + 1, start, start) for position in group)
        else:
            end = _shared_end([names[position] for position in group], start + len(part))
            yield Nested(depth, group[0], group[-1] + 1, start, end)


def _shared_end(names: Sequence[str], end: int) -> int:
    """Return where the parts end that all names share, of which those up to ``end`` are known."""
    while True:
        parts = {next_part(name, end) for name in names}
        if len(parts) > 1 or parts == {""}:
            return end
        end += len(parts.pop())


def next_part(name: str, start: int) -> str:
    """Return the part of a name that follows a position, with the separator after it.

    Args:
        name: The name.
        start: The position.

    Returns:
        The part; empty for the last one.

    Example:
        >>> next_part("stage1_unit2_conv", 7), next_part("stage1__plus", 0), next_part("stage1__plus", 7)
        ('unit2_', 'stage1_', '')
    """
    match = _PART.match(name, start)
    return match.group() if match else ""


def label_of(name: str, start: int = 0, end: int | None = None) -> str:
    """Return the part of a name between two positions, without separators at its ends.

    Args:
        name: The name.
        start: The position, as :attr:`Nested.start`.
        end: The end of a group, as :attr:`Nested.end`; None for that of the name.

    Returns:
        The part; the whole name if nothing is left.

    Example:
        >>> label_of("stage1__plus0", 7), label_of("stage1__plus0", 0, 7), label_of("stage1_", 7)
        ('plus0', 'stage1', 'stage1_')
    """
    return name[start:end].strip(SEPARATORS) or name
