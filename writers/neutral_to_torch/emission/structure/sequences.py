"""Find linear sequences of statements that repeat."""

from __future__ import annotations

from typing import Callable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Block, Instance, has_weights, owned
from neutral_to_torch.emission.structure.regions import StatementGraph

Gram = tuple[int, ...]


def chains(graph: StatementGraph, allowed: Callable[[Statement], bool]) -> list[list[int]]:
    """Return maximal paths of statements in which each statement alone uses the value of the one before.

    Args:
        graph: The graph of statements.
        allowed: Whether a statement may be in a path.

    Returns:
        Indices of statements by path.
    """
    follower: dict[int, int] = {}
    for k, used in enumerate(graph.operands):
        if not allowed(graph.statements[k]):
            continue
        makers = [
            graph.maker[value]
            for value in used
            if value in graph.maker and graph.only_user(value) == k and not graph.constant[graph.maker[value]]
        ]
        if len(makers) != 1 or not allowed(graph.statements[makers[0]]):
            continue
        if isinstance(graph.statements[makers[0]].results, Value):
            follower[makers[0]] = k
    followers = set(follower.values())
    starts = [k for k in range(len(graph.statements)) if k not in followers and allowed(graph.statements[k])]
    result = []
    for start in starts:
        line = [start]
        while line[-1] in follower:
            line.append(follower[line[-1]])
        result.append(line)
    return result


def best_sequence(
    lines: Sequence[Sequence[int]], kinds: Mapping[int, Statement], longest: int, spread: Callable[[Gram], int]
) -> Gram | None:
    """Return the sequence of tokens whose folding saves most, or None where none is worth a class.

    Of those that save about the same, the one whose occurrences differ least in their numbers.

    Args:
        lines: The token of each statement, in each straight line of statements.
        kinds: A statement of each token.
        longest: The most tokens of a sequence.
        spread: Returns how many different numbers the occurrences of a sequence have.
    """
    if not any(map(_applies_weights, kinds.values())):
        return None
    blocks = {number: _block(statement) for number, statement in kinds.items()}
    counts: dict[Gram, int] = {}
    last: dict[Gram, tuple[int, int]] = {}
    broken: set[Gram] = set()
    for length in range(2, longest + 1):
        for number, line in enumerate(lines):
            for start in range(len(line) - length + 1):
                gram = tuple(line[start : start + length])
                if _cuts_a_row(line, start, start + length, blocks):
                    broken.add(gram)
                where = last.get(gram)
                if where is None or where[0] != number or where[1] + length <= start:
                    last[gram] = (number, start)
                    counts[gram] = counts.get(gram, 0) + 1
    lines_of = {number: 1 if block is None or block.is_unit else 2 for number, block in blocks.items()}
    saved = {
        gram: (count - 1) * sum(lines_of[number] for number in gram) - HEURISTICS.class_overhead
        for gram, count in counts.items()
        if count > 1
    }
    ranked = sorted((g for g in saved if saved[g] > 0 and g not in broken), key=lambda g: -saved[g])
    best = next((gram for gram in ranked if is_worthy(gram, kinds)), None)
    if best is None:
        return None
    close = [g for g in ranked if len(g) == len(best) and saved[g] + len(best) >= saved[best] and is_worthy(g, kinds)]
    return min(close, key=lambda g: (not _applies_weights(kinds[g[0]]), spread(g), -saved[g], ranked.index(g)))


def _cuts_a_row(line: Sequence[int], start: int, stop: int, blocks: Mapping[int, Block | None]) -> bool:
    """Return whether the stretch begins or ends amid blocks of one class that stand in a row."""
    edges = [(start - 1, start)] if start else []
    edges += [(stop - 1, stop)] if stop < len(line) else []
    for one, other in edges:
        first, second = blocks[line[one]], blocks[line[other]]
        if first is not None and first is second and not first.is_unit:
            return True
    return False


def _block(statement: Statement) -> Block | None:
    items = owned([statement])
    return items[0].block if len(items) == 1 and isinstance(items[0], Instance) else None


def is_worthy(gram: tuple[int, ...], kinds: Mapping[int, Statement]) -> bool:
    """Return whether a sequence may become a class: no repetition inside, and enough layers.

    Args:
        gram: The tokens of the sequence.
        kinds: A statement of each token.

    Returns:
        False for repetitions, for layers without weights, and for fewer than three layers that are not blocks.
    """
    statements = [kinds[number] for number in gram]
    blocks = [item.block for statement in statements for item in owned([statement]) if isinstance(item, Instance)]
    if blocks and len(set(map(id, blocks))) == 1 and len(blocks) == len(gram):
        return False
    if not any(_applies_weights(statement) for statement in statements) or (len(gram) < 3 and len(blocks) < 2):
        return False
    for length in range(1, len(gram) // 2 + 1):
        for start in range(len(gram) - 2 * length + 1):
            if gram[start : start + length] == gram[start + length : start + 2 * length]:
                return False
    return True


def _applies_weights(statement: Statement) -> bool:
    return any(has_weights(item) for item in owned([statement]))


def find_all(line: Sequence[int], gram: tuple[int, ...]) -> list[int]:
    """Return where a sequence begins in a line, without overlaps.

    Args:
        line: Tokens.
        gram: The tokens of the sequence.

    Returns:
        Indices into ``line``, rising.
    """
    starts, position = [], 0
    while position + len(gram) <= len(line):
        if tuple(line[position : position + len(gram)]) == gram:
            starts.append(position)
            position += len(gram)
        else:
            position += 1
    return starts
