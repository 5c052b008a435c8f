"""Arguments of a block: the numbers in which its instances differ, and the sizes that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Mapping, Sequence

from neutral_to_torch.emission.expression.terms import Literal, Name, Operation, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.structure.block_facts import CONVOLUTIONS
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

Place = "tuple[int, int]"
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
        for position, found in enumerate(leaves(template.statements))
        for k, leaf in enumerate(found)
    }
    for number, member in enumerate(members):
        present = [(position, item) for position, item in enumerate(member.statements) if item is not None]
        for (position, _), found in zip(present, leaves([item for _, item in present])):
            for k, leaf in enumerate(found):
                table[position, k][1][number] = leaf.value
    return table


def keep_typical(template: CanonicalSubgraph, members: Sequence[Member]) -> list[int]:
    """Return the indices of the members to keep: those that do not by themselves force arguments on the class.

    A linear member that is alone in two numbers beside channels, or in one beside stride too where the block has a
    merge that it lacks, is another part of the model with the same layers, such as a stem. The first member stays.

    Args:
        template: The subgraph that the class is written from.
        members: The instances.
    """
    table = tabulate(template, members)
    kept = list(range(len(members)))
    for number in reversed(range(1, len(members))):
        rest = [k for k in kept if k != number]
        if len(rest) < 2 or not members[number].is_linear:
            continue
        extra = _settings(table, kept) - _settings(table, rest)
        strides = sum(hint == "stride" for hint in extra.values())
        if len(extra) > 1 or (len(extra) > strides and not members[0].is_linear):
            kept = rest
    return kept


def is_typical(candidate: CanonicalSubgraph, reduced: CanonicalSubgraph, members: Sequence[Member]) -> bool:
    """Return whether a chain's numbers, beside channels and stride, are among those of a block's members.

    Args:
        candidate: The chain.
        reduced: The first member without its optional parts, which has the statements of the chain.
        members: Members of the block; the first lacks no part.
    """
    order = {id(statement): position for position, statement in enumerate(members[0].statements)}
    for statement, found in zip(reduced.statements, leaves(candidate.statements)):
        position = order[id(statement)]
        present = [item for member in members if (item := member.statements[position]) is not None]
        columns = [leaves([item])[0] for item in present]
        for k, leaf in enumerate(found):
            if leaf.hint in ("stride", "groups") or leaf.hint in CHANNEL_ARGUMENTS:
                continue
            if not any(same(leaf.value, column[k].value) for column in columns):
                return False
    return True


def mixes_pointwise(
    reduced: CanonicalSubgraph, regions: Sequence[CanonicalSubgraph], others: Sequence[CanonicalSubgraph]
) -> bool:
    """Return whether regions would share a layer that is a 1x1 convolution in all of some and in none of the others.

    Args:
        reduced: The first region without its optional parts, which has the statements of the others.
        regions: Regions that lack no part.
        others: Regions that lack the optional parts.
    """
    order = {id(statement): position for position, statement in enumerate(regions[0].statements)}
    columns = [leaves(region.statements) for region in regions]
    other_columns = [leaves(other.statements) for other in others]
    for place, statement in enumerate(reduced.statements):
        if statement.kind in CONVOLUTIONS:
            position = order[id(statement)]
            for k, leaf in enumerate(other_columns[0][place]):
                if leaf.hint == "kernel_size":
                    pointwise = {_is_one(column[position][k].value) for column in columns}
                    if pointwise.isdisjoint(_is_one(column[place][k].value) for column in other_columns):
                        return True
    return False


def _is_one(kernel: Any) -> bool:
    return set(kernel) == {1} if isinstance(kernel, tuple) else bool(kernel == 1)


class _Settings(dict):  # type: ignore[type-arg]
    def __sub__(self, other: Collection[Any]) -> _Settings:
        return _Settings({place: hint for place, hint in self.items() if place not in other})


def _settings(table: Table, kept: Sequence[int]) -> _Settings:
    """Return the arguments beside channels of a class with only some of the members, by where they come first."""
    columns = {place: (leaf, [column[k] for k in kept]) for place, (leaf, column) in table.items()}
    found = [v for v in vary(columns) if not v.is_channels]
    kernels = [v for v in found if "kernel_size" in v.hints]
    halves = [v for v in found if set(v.hints) == {"padding"} and any(is_half(v.vector, k.vector) for k in kernels)]
    return _Settings({min(v.places): v.hints[0] for v in found if v not in halves})


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
    for (counts, number), found in constant.items():
        if counts or every or any(place == first for place, _, _ in found):
            places, hints = [place for place, _, _ in found], [leaf.hint for _, leaf, _ in found]
            result.append(Variable((number,) * len(found[0][2]), places, hints, True))
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
