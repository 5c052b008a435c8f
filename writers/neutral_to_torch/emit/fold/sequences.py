"""Straight sequences of ops that come again and again."""

from __future__ import annotations

from typing import Callable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emit.fold.regions import Flow
from neutral_to_torch.emit.lower import Op
from neutral_to_torch.emit.scope import Instance, is_heavy, owned

OVERHEAD = 6
"""Lines that a class costs whatever it holds."""


def chains(flow: Flow, allowed: Callable[[Op], bool]) -> list[list[int]]:
    """Maximal paths of ops in which each op alone uses what the one before gives."""
    follower: dict[int, int] = {}
    for k, used in enumerate(flow.operands):
        if not allowed(flow.ops[k]):
            continue
        makers = [
            flow.maker[value]
            for value in used
            if value in flow.maker and flow.only_user(value) == k and flow.operands[flow.maker[value]]
        ]
        if len(makers) != 1 or not allowed(flow.ops[makers[0]]):
            continue
        if isinstance(flow.ops[makers[0]].results, Value):
            follower[makers[0]] = k
    followers = set(follower.values())
    starts = [k for k in range(len(flow.ops)) if k not in followers and allowed(flow.ops[k])]
    result = []
    for start in starts:
        line = [start]
        while line[-1] in follower:
            line.append(follower[line[-1]])
        result.append(line)
    return result


def best_sequence(lines: Sequence[Sequence[int]], kinds: Mapping[int, Op], longest: int) -> tuple[int, ...] | None:
    """The sequence of tokens whose folding saves most, or None where none is worth a class."""
    best: tuple[tuple[int, int, int], tuple[int, ...]] | None = None
    order: dict[tuple[int, ...], int] = {}
    last: dict[tuple[int, ...], tuple[int, int]] = {}
    counts: dict[tuple[int, ...], int] = {}
    for length in range(2, longest + 1):
        for number, line in enumerate(lines):
            for start in range(len(line) - length + 1):
                gram = tuple(line[start : start + length])
                where = last.get(gram)
                if where is not None and where[0] == number and where[1] + length > start:
                    continue
                last[gram] = (number, start)
                counts[gram] = counts.get(gram, 0) + 1
                order.setdefault(gram, len(order))
    for gram, count in counts.items():
        saved = (count - 1) * len(gram) - OVERHEAD
        if count < 2 or saved <= 0 or not is_worthy(gram, kinds):
            continue
        rank = (saved, int(_is_heavy(kinds[gram[0]])), -order[gram])
        if best is None or rank > best[0]:
            best = (rank, gram)
    return None if best is None else best[1]


def is_worthy(gram: tuple[int, ...], kinds: Mapping[int, Op]) -> bool:
    """Whether one would make a class of it: no repetition inside, and enough that belongs together."""
    ops = [kinds[number] for number in gram]
    blocks = [item.block for op in ops for item in owned([op]) if isinstance(item, Instance)]
    if blocks and len(set(map(id, blocks))) == 1 and len(blocks) == len(gram):
        return False
    if not any(_is_heavy(op) for op in ops) or (len(gram) < 3 and len(blocks) < 2):
        return False
    for length in range(1, len(gram) // 2 + 1):
        for start in range(len(gram) - 2 * length + 1):
            if gram[start : start + length] == gram[start + length : start + 2 * length]:
                return False
    return True


def _is_heavy(op: Op) -> bool:
    return any(is_heavy(item) for item in owned([op]))


def find_all(line: Sequence[int], gram: tuple[int, ...]) -> list[int]:
    """Where the sequence begins in a line, without overlaps."""
    starts, position = [], 0
    while position + len(gram) <= len(line):
        if tuple(line[position : position + len(gram)]) == gram:
            starts.append(position)
            position += len(gram)
        else:
            position += 1
    return starts
