"""Name the arguments of a block by their roles, and write numbers that follow from others as expressions."""

from __future__ import annotations

from typing import Any, Collection, Sequence

from neutral_to_torch.emission.expression.terms import Literal, Name, Operation, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.structure.member import MISSING
from neutral_to_torch.emission.structure.variables import ENTRIES, EXITS, Variable, is_half


def name_variables(variables: Sequence[Variable]) -> None:
    """Name variables by their roles: channels that come in, go out, or are between; others by their argument.

    Args:
        variables: The variables of one block; their names and terms are set in place.
    """
    channels = [v for v in variables if v.is_channels]
    entry = next((v for v in channels if any(h in ENTRIES for h in v.hints)), None)
    outgoing = [v for v in channels if any(h in EXITS for h in v.hints)]
    leave = max(outgoing, key=lambda v: max(p for p, h in zip(v.places, v.hints) if h in EXITS), default=None)
    taken: set[str] = set()

    def give(variable: Variable, name: str) -> None:
        name = name.rstrip("0123456789") or "value"
        number, candidate = 2, name
        while candidate in taken:
            candidate, number = f"{name}{number}", number + 1
        variable.name = candidate
        taken.add(candidate)

    hints = {hint for variable in channels for hint in variable.hints}
    linear = bool(hints & {"in_features", "out_features", "features"})
    linear = linear and not hints & {"in_channels", "out_channels", "channels"}
    suffix = "features" if linear else "channels"
    if entry is not None:
        give(entry, suffix if entry is leave else f"in_{suffix}")
    if leave is not None and leave is not entry:
        give(leave, f"out_{suffix}")
    for base in (leave, entry):
        for variable in channels:
            if base is not None and not variable.name and variable.term is None:
                variable.term = _ratio(variable.vector, base)
    for variable in channels:
        if variable.term is not None and len(variable.places) > _most_places(variable.term):
            give(variable, "hidden_features" if linear else "channels")
    between = [v for v in channels if not v.name and v.term is None]
    for position, variable in enumerate(between):
        other = between[0] if len(between) == 2 and position else entry if len(between) == 1 else None
        give(variable, "hidden_features" if linear else _between(variable, other, taken))
    for variable in (v for v in variables if not v.is_channels):
        hint = min((h for h in variable.hints if h.isidentifier()), key=_priority, default="value")
        kernel = next((v for v in variables if v.name == "kernel_size"), None)
        if hint == "padding" and kernel is not None and is_half(variable.vector, kernel.vector):
            variable.term = Operation("//", (Name(kernel.name), Literal(2)))
        else:
            give(variable, "num_heads" if hint == "heads" else hint)


def _most_places(term: Term) -> int:
    """Return in how many places a term is written out; a term in more places gets a name."""
    is_multiple = isinstance(term, Operation) and term.symbol == "*"
    return HEURISTICS.most_multiples if is_multiple else 1


def _between(variable: Variable, other: Variable | None, taken: Collection[str]) -> str:
    """Return the name of channels between those that come in and go out, which may be compared with ``other``."""
    if "channels" not in taken or other is None:
        return "channels"
    pairs = [(a, b) for a, b in zip(variable.vector, other.vector) if a is not MISSING and b is not MISSING]
    if all(a <= b for a, b in pairs):
        return "reduced_channels"
    return "expanded_channels" if all(a >= b for a, b in pairs) else "channels"


def _priority(hint: str) -> int:
    """Name a shared number after padding, which follows from others, or a pooling's kernel only where nothing else."""
    return ("stride", "kernel_size", "padding").index(hint) if hint in ("stride", "kernel_size", "padding") else 0


def _ratio(vector: Sequence[Any], base: Variable) -> Term | None:
    """Return the vector as a constant multiple or fraction of another variable, or None."""
    pairs = [(a, b) for a, b in zip(vector, base.vector) if a is not MISSING]
    if not all(isinstance(a, int) and isinstance(b, int) and a and b for a, b in pairs):
        return None
    a, b = pairs[0]
    if b % a == 0 and all(y == x * (b // a) for x, y in pairs) and b // a > 1:
        return Operation("//", (Name(base.name), Literal(b // a)))
    if a % b == 0 and all(x == y * (a // b) for x, y in pairs) and a // b > 1:
        return Operation("*", (Literal(a // b), Name(base.name)))
    return None


def complete_entry(variables: Sequence[Variable]) -> None:
    """Give members that lack the first layer the channels of their next one as those that come in.

    Args:
        variables: The named variables of one block; their vectors are completed in place.
    """
    channels = [variable for variable in variables if variable.is_channels]
    for variable in (v for v in channels if v.name in ("in_channels", "in_features")):
        for number, value in enumerate(variable.vector):
            given = next((v.vector[number] for v in channels if v.vector[number] is not MISSING), value)
            if value is MISSING:
                variable.vector = (*variable.vector[:number], given, *variable.vector[number + 1 :])
