"""Numbers in which the instances of a block differ, and the sizes that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from neutral_to_torch.emission.expression.terms import Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, Leaf, leaves
from neutral_to_torch.emission.structure.member import MISSING, Member

CHANNEL_ARGUMENTS = frozenset((
    "in_channels", "out_channels", "num_features", "in_features", "out_features", "normalized_shape",
    "num_channels", "num_parameters", "channels", "features", "reduced_channels", "expanded_channels",
    "hidden_features",
))  # fmt: skip
"""Constructor arguments of torch.nn, and of blocks, that count channels or features."""

_COUNTS = ("num_heads", "heads")
"""Arguments of constructors, and of functions of attention, that count parts of the features."""

SIZE_ARGUMENTS = CHANNEL_ARGUMENTS | set(_COUNTS)
"""Constructor arguments that a class takes although its instances agree in them."""

ENTRIES = ("in_channels", "in_features", "num_features", "normalized_shape", "num_channels", "channels", "features")

EXITS = ("out_channels", "out_features", "channels", "features")


Table = Mapping["tuple[int, int]", "tuple[Leaf, list[Any]]"]
"""For each number of a template (statement, position in it) its value in each member."""


@dataclass(eq=False)
class Variable:
    """Numbers that are equal to each other in every member.

    Attributes:
        vector: The value in each member.
        places: Where the numbers stand in the template.
        hints: The names of the arguments that they are.
        built: Whether they are used in ``__init__``.
        name: The name in the class, or "" where the term is written instead.
        term: The expression by other variables that it follows from; None for an argument.
    """

    vector: tuple[Any, ...]
    places: list[tuple[int, int]]
    hints: list[str]
    built: bool
    name: str = ""
    term: Term | None = None

    @property
    def is_channels(self) -> bool:
        """Whether the numbers count channels or features."""
        return any(hint in CHANNEL_ARGUMENTS for hint in self.hints)


def tabulate(template: CanonicalSubgraph, members: Sequence[Member]) -> dict[tuple[int, int], tuple[Leaf, list[Any]]]:
    """Return for each number of the template its value in each member; MISSING in members that lack the part.

    Args:
        template: The subgraph of a region that lacks no part.
        members: The regions, aligned with the template.

    Returns:
        By place (statement, position in it): the number as the template has it, and its value in each member.
    """
    table = {
        (position, k): (leaf, [MISSING] * len(members))
        for position, row in enumerate(leaves(template.statements))
        for k, leaf in enumerate(row)
    }
    for number, member in enumerate(members):
        present = [(position, item) for position, item in enumerate(member.statements) if item is not None]
        for (position, _), row in zip(present, leaves([item for _, item in present])):
            for k, leaf in enumerate(row):
                table[position, k][1][number] = leaf.value
    return table


def vary(table: Table) -> list[Variable]:
    """Return the numbers that differ between members; numbers that agree in every member are one variable.

    Args:
        table: The numbers by place.

    Returns:
        Variables without names, in the order of their first places.
    """
    variables: list[Variable] = []
    for place in sorted(table, key=lambda place: (MISSING in table[place][1], place)):
        leaf, column = table[place]
        present = [value for value in column if value is not MISSING]
        fitting = [v for v in variables if agrees(v.vector, column)]
        if not fitting and leaf.hint in _STEPS:
            fitting = [v for v in variables if "stride" in v.hints and _completes(v.vector, column)][:1]
            for variable in fitting:
                pairs = zip(variable.vector, column)
                variable.vector = tuple(given if value is MISSING else value for value, given in pairs)
        named = [v for v in fitting if leaf.hint in v.hints]
        if all(same(value, present[0]) for value in present):
            follows = MISSING in column and (leaf.hint == "stride" or leaf.hint in CHANNEL_ARGUMENTS)
            fitting = named if follows else []
            if not fitting:
                continue
        _enter(variables, (named or fitting), place, leaf, column)
    return sorted(variables, key=lambda variable: min(variable.places))


def add_sizes(variables: list[Variable], table: Table) -> list[Variable]:
    """Add the sizes that no member changes: heads, channels that come in, and all channels where the block has few.

    A class with its sizes as arguments can be used at others.

    Args:
        variables: The arguments that members give different values.
        table: The value of each place in each member.
    """
    taken = {place for variable in variables for place in variable.places}
    constant: dict[Any, list[tuple[tuple[int, int], Leaf, list[Any]]]] = {}
    for place in sorted(table):
        leaf, column = table[place]
        is_size = leaf.hint in _COUNTS or (leaf.built and leaf.hint in SIZE_ARGUMENTS)
        if place not in taken and is_size and isinstance(leaf.value, int):
            value = next(value for value in column if value is not MISSING)
            constant.setdefault((leaf.hint in _COUNTS, value), []).append((place, leaf, column))
    channels = [variable for variable in variables if variable.is_channels]
    every = sum(not counts for counts, _ in constant) + len(channels) <= HEURISTICS.most_channel_arguments
    first = min((p for p, (leaf, _) in table.items() if leaf.built and leaf.hint in ENTRIES), default=None)
    result = list(variables)
    for (counts, number), entries in constant.items():
        if counts or every or any(place == first for place, _, _ in entries):
            places, hints = [place for place, _, _ in entries], [leaf.hint for _, leaf, _ in entries]
            result.append(Variable((number,) * len(entries[0][2]), places, hints, True))
    return sorted(result, key=lambda variable: min(variable.places))


def _enter(
    variables: list[Variable], fitting: Sequence[Variable], place: tuple[int, int], leaf: Leaf, column: Sequence[Any]
) -> None:
    if fitting:
        fitting[0].places.append(place)
        fitting[0].hints.append(leaf.hint)
    else:
        variables.append(Variable(tuple(column), [place], [leaf.hint], leaf.built))


def same(one: Any, other: Any) -> bool:
    """Return whether two numbers are equal and of one type.

    Args:
        one: A number, or a tuple of numbers.
        other: Another one.

    Returns:
        False for 1 and 1.0.
    """
    return type(one) is type(other) and bool(one == other)


def agrees(vector: Sequence[Any], column: Sequence[Any]) -> bool:
    """Return whether a column has the vector's value in each member that has one.

    Args:
        vector: A value for each member.
        column: A value for each member, MISSING in those that lack the part.

    Returns:
        True if one argument of the class can stand for both.
    """
    return all(b is MISSING or same(a, b) for a, b in zip(vector, column))


_STEPS = ("stride", "kernel_size")
"""Arguments by which the pooling of a shortcut steps as the convolutions beside it do."""


def _completes(vector: Sequence[Any], column: Sequence[Any]) -> bool:
    """Return whether numbers are equal, and differ between members, wherever both are present."""
    pairs = [(a, b) for a, b in zip(vector, column) if a is not MISSING and b is not MISSING]
    return all(same(a, b) for a, b in pairs) and len({repr(a) for a, _ in pairs}) > 1


def is_half(vector: Sequence[Any], other: Sequence[Any]) -> bool:
    """Return whether each number is half of the other, rounded down, as padding is of a kernel.

    Args:
        vector: A number for each member.
        other: As many numbers.

    Returns:
        False also where a number is not an integer.
    """
    pairs = [(a, b) for a, b in zip(vector, other) if a is not MISSING]
    return all(isinstance(a, int) and isinstance(b, int) and a == b // 2 for a, b in pairs)
