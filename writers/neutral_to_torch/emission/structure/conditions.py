"""Conditions on a block's arguments that decide whether it has an optional part."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from neutral_to_torch.emission.expression.terms import Literal, Name, Operation, Term
from neutral_to_torch.emission.structure.member import MISSING
from neutral_to_torch.emission.structure.variables import Variable


def condition(flag: str, present: Sequence[bool], variables: Sequence[Variable]) -> Term | None:
    """Return the condition on a block's arguments that decides whether it has an optional part.

    Args:
        flag: The part's name: ``residual``, ``downsample`` or ``expand``; others follow from nothing.
        present: For each member, whether it has the part.
        variables: The block's variables, named.

    Returns:
        Such as ``stride == 1 and in_channels == out_channels``; None where no condition holds for every member.
    """
    named = {v.name: v.vector for v in variables if v.name}
    kind = flag.rstrip("0123456789")
    suffix = "features" if "in_features" in named else "channels"
    ends = (f"in_{suffix}", f"out_{suffix}")
    tests: list[list[tuple[Any, ...]]]
    if kind == "expand":
        tests = [[("!=", "kernel_size", 1)], [("!=", "channels", ends[0])], [("!=", "channels", "out_channels")]]
        joined = "or"
    elif kind in ("residual", "downsample"):
        symbol, joined = ("==", "and") if kind == "residual" else ("!=", "or")
        stride: tuple[Any, ...] = (symbol, "stride", 1)
        sizes: tuple[Any, ...] = (symbol, *ends)
        tests = [[stride, sizes], [sizes], [stride]]
    else:
        return None
    for parts in tests:
        columns = [_evaluated(part, named) for part in parts]
        if any(column is None for column in columns):
            continue
        combine = all if joined == "and" else any
        if [combine(items) for items in zip(*(column or [] for column in columns))] == list(present):
            terms = [_comparison(*part) for part in parts]
            return terms[0] if len(terms) == 1 else Operation(joined, tuple(terms))
    return None


def _evaluated(part: tuple[Any, ...], named: Mapping[str, Sequence[Any]]) -> list[bool] | None:
    symbol, name, other = part
    if name not in named or (isinstance(other, str) and other not in named):
        return None
    right = named[other] if isinstance(other, str) else [other] * len(named[name])
    if MISSING in named[name] or MISSING in right:
        return None
    return [(a == b) is (symbol == "==") for a, b in zip(named[name], right)]


def _comparison(symbol: str, name: str, other: Any) -> Term:
    return Operation(symbol, (Name(name), Name(other) if isinstance(other, str) else Literal(other)))
