"""Order nodes so that those with a common beginning of their names are neighbours, as far as dataflow allows."""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import Dict, Sequence, Set, Tuple

from neutral.nesting import next_part
from neutral.page.folding import MOST_LEVELS

Edge = Tuple[int, int]
Successors = Dict[int, Set[int]]


def ordered(names: Sequence[str], edges: Sequence[Edge]) -> list[int]:
    """Return the nodes in an execution order in which the nodes of a block, by names, follow each other.

    A framework may list a node of another block between them, such as the mask that all layers of a transformer share.

    Args:
        names: The names of the nodes, in an execution order.
        edges: Pairs of the numbers of a producer and of a later consumer.

    Returns:
        The numbers of the nodes: every producer comes before its consumers.

    Example:
        >>> ordered(["a_query", "mask", "a_softmax"], [(0, 2), (1, 2)])
        [1, 0, 2]
    """
    return _ordered(names, list(range(len(names))), edges, 0, MOST_LEVELS)


def _ordered(names: Sequence[str], nodes: list[int], edges: Sequence[Edge], start: int, levels: int) -> list[int]:
    """Order nodes that agree up to ``start``; edges are those among them."""
    parts = {node: next_part(names[node], start) for node in nodes}
    if not levels or not any(parts.values()):
        return nodes
    first: dict[str, int] = {}
    group_of = {node: first.setdefault(parts[node], node) if parts[node] else node for node in nodes}
    between: Successors = defaultdict(set)
    for producer, consumer in edges:
        if group_of[producer] != group_of[consumer]:
            between[group_of[producer]].add(group_of[consumer])
    sequence = _topological(set(group_of.values()), between)
    if sequence is None:  # a group depends on itself through another one
        return nodes
    members: dict[int, list[int]] = defaultdict(list)
    inner: dict[int, list[Edge]] = defaultdict(list)
    for node in nodes:
        members[group_of[node]].append(node)
    for edge in edges:
        if group_of[edge[0]] == group_of[edge[1]]:
            inner[group_of[edge[0]]].append(edge)
    result: list[int] = []
    for group in sequence:
        end = start + len(parts[group])
        result += _ordered(names, members[group], inner[group], end, levels - 1) if parts[group] else [group]
    return result


def _topological(groups: set[int], successors: Successors) -> list[int] | None:
    """Return groups in topological order, those of small numbers first; None if there is a cycle."""
    waiting = dict.fromkeys(groups, 0)
    for group in groups:
        for successor in successors.get(group, ()):
            waiting[successor] += 1
    ready = [group for group, count in waiting.items() if not count]
    heapq.heapify(ready)
    sequence = []
    while ready:
        group = heapq.heappop(ready)
        sequence.append(group)
        for successor in successors.get(group, ()):
            waiting[successor] -= 1
            if not waiting[successor]:
                heapq.heappush(ready, successor)
    return sequence if len(sequence) == len(groups) else None
