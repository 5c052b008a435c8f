"""Write items of a sequence that are equal, or grow by a fixed step, as a loop."""

from __future__ import annotations

from typing import Sequence

from neutral_to_torch.emission.expression.terms import Call, Literal, Name, Operation, Repeat, Term
from neutral_to_torch.emission.heuristics import HEURISTICS


def looped(items: Sequence[Term]) -> tuple[Term, ...]:
    """Return the items, with three or more in a row that follow from each other as one :class:`Repeat`.

    Args:
        items: The items of a tuple or of arguments.

    Returns:
        The terms, no more than there were.
    """
    result: list[Term] = []
    position = 0
    while position < len(items):
        stop = _alike(items, position)
        if stop - position >= HEURISTICS.fewest_looped:
            result.append(Repeat(_general(items[position], items[position + 1]), stop - position))
        else:
            stop = position + 1
            result.append(items[position])
        position = stop
    return tuple(result)


def _alike(items: Sequence[Term], start: int) -> int:
    """Return the end of the run from ``start`` in which every item follows from the one before by the same step."""
    stop = start + 1
    step = None
    while stop < len(items):
        change = _step(items[stop - 1], items[stop])
        if change is None or (step is not None and change != step):
            break
        step = change
        stop += 1
    return stop


def _step(one: Term, other: Term) -> tuple[int, ...] | None:
    """Return by how much each argument of a call grows; None where the items differ in anything else."""
    if not isinstance(one, Call) or not isinstance(other, Call) or not isinstance(one.callee, Name):
        return None
    if one.callee.text.startswith("nn."):
        return None
    if one == other:
        return (0,) * len(one.args)
    if one.callee != other.callee or one.kwargs != other.kwargs or len(one.args) != len(other.args):
        return None
    steps = []
    for a, b in zip(one.args, other.args):
        if not isinstance(a, Literal) or not isinstance(b, Literal) or type(a.value) is not type(b.value):
            return None
        if a != b and (not isinstance(a.value, int) or isinstance(a.value, bool)):
            return None
        steps.append(0 if a == b else b.value - a.value)
    return tuple(steps)


def _general(first: Term, second: Term) -> Term:
    """Return an item as a function of the loop's counter ``k``."""
    step = _step(first, second)
    if step is None or not any(step) or not isinstance(first, Call):
        return first
    args = []
    for arg, change in zip(first.args, step):
        grown = Literal(change) if change == 1 else None
        product = Name("k") if grown is not None else Operation("*", (Literal(abs(change)), Name("k")))
        args.append(arg if not change else Operation("+" if change > 0 else "-", (arg, product)))
    return Call(first.callee, tuple(args), first.kwargs)
