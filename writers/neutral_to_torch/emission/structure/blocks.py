"""Making a block of several regions of one form: one class, its parameters, and an instance for each region."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Call, Literal, Name, Operation, Ref, SelfAttribute, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, Leaf, Mapper, leaves
from neutral_to_torch.emission.structure.module_ir import Block, Derived, Instance, Option, Owned, Parameter, owned

MISSING = object()

_CHANNELS = {
    "in_channels", "out_channels", "num_features", "in_features", "out_features", "normalized_shape",
    "num_channels", "num_parameters", "channels", "features",
}  # fmt: skip
_ENTRY = ("in_channels", "in_features", "num_features", "normalized_shape", "num_channels")
_EXIT = ("out_channels", "out_features")


@dataclass(eq=False)
class Member:
    """One region of a block: its statements aligned with the block's (None where absent), and the options it lacks."""

    statements: list[Statement | None]
    inputs: tuple[Value, ...]
    output: Value
    lacks: frozenset[int] = frozenset()


@dataclass(eq=False)
class Variable:
    """Numbers that are equal to each other in every member, but not the same in all."""

    vector: tuple[Any, ...]
    places: list[tuple[int, int]]
    hints: list[str]
    built: bool
    name: str = ""
    term: Term | None = None

    @property
    def is_channels(self) -> bool:
        return any(hint in _CHANNELS for hint in self.hints)


def make_block(
    name: str, template: CanonicalSubgraph, members: Sequence[Member], options: Sequence[Option]
) -> tuple[Block, list[Statement]] | None:
    """The block, and for each member the statement that applies its instance; None where too much differs."""
    table = _table(template, members)
    variables = _variables(table, template)
    if len(variables) > HEURISTICS.most_parameters:
        return None
    _name(variables, template)
    terms = {place: Name(v.name) if v.name else v.term for v in variables for place in v.places}
    stored = {v.name: False for v in variables if v.name}
    statements = _parametrised(template.statements, terms, stored)
    parameters = _parameters(variables, stored, options, members)
    replaced = dict(zip(template.statements, statements))
    chosen = tuple(
        Option(o.flag, o.value, o.otherwise, tuple(replaced[statement] for statement in o.statements)) for o in options
    )
    derived = tuple(Derived(v.name, v.term, stored[v.name]) for v in variables if v.name and v.term is not None)
    outputs = (template.output,)
    block = Block(name, template.inputs, tuple(statements), outputs, tuple(parameters), chosen, derived)
    applications = []
    for number, member in enumerate(members):
        last = next(statement for statement in reversed(member.statements) if statement is not None)
        instance = _instance(block, last.name, member, variables, options, number)
        block.members.append(instance)
        call = Call(SelfAttribute(instance), tuple(map(Ref, member.inputs)))
        applications.append(Statement(last.name, call, member.output, last.kind))
    return block, applications


def _table(template: CanonicalSubgraph, members: Sequence[Member]) -> dict[tuple[int, int], tuple[Leaf, list[Any]]]:
    """For each number of the template its value in each member."""
    table = {
        (position, k): (leaf, [MISSING] * len(members))
        for position, found in enumerate(leaves(template.statements))
        for k, leaf in enumerate(found)
    }
    for number, member in enumerate(members):
        present = [
            (position, statement) for position, statement in enumerate(member.statements) if statement is not None
        ]
        for (position, _), found in zip(present, leaves([statement for _, statement in present])):
            for k, leaf in enumerate(found):
                table[position, k][1][number] = leaf.value
    return table


def _variables(table: Mapping[tuple[int, int], tuple[Leaf, list[Any]]], template: CanonicalSubgraph) -> list[Variable]:
    variables: list[Variable] = []
    places = sorted(table, key=lambda place: (MISSING in table[place][1], place))
    for place in places:
        leaf, column = table[place]
        present = [value for value in column if value is not MISSING]
        if all(_same(value, present[0]) for value in present):
            continue
        fitting = [v for v in variables if _agrees(v.vector, column)]
        named = [v for v in fitting if leaf.hint in v.hints]
        if fitting:
            chosen = (named or fitting)[0]
            chosen.places.append(place)
            chosen.hints.append(leaf.hint)
        else:
            variables.append(Variable(tuple(column), [place], [leaf.hint], leaf.built))
    return sorted(variables, key=lambda variable: min(variable.places))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _agrees(vector: Sequence[Any], column: Sequence[Any]) -> bool:
    return all(b is MISSING or _same(a, b) for a, b in zip(vector, column))


def _name(variables: Sequence[Variable], template: CanonicalSubgraph) -> None:
    """Give variables the names of their roles: what comes in, what goes out, what is between."""
    channels = [v for v in variables if v.is_channels]
    entry = next((v for v in channels if any(h in _ENTRY for h in v.hints)), None)
    heavy = [v for v in channels if any(h in _EXIT for h in v.hints)]
    leave = max(heavy, key=lambda v: max(p for p, h in zip(v.places, v.hints) if h in _EXIT), default=None)
    taken: set[str] = set()

    def give(variable: Variable, name: str) -> None:
        name = name.rstrip("0123456789") or "value"
        number, candidate = 2, name
        while candidate in taken:
            candidate, number = f"{name}{number}", number + 1
        variable.name = candidate
        taken.add(candidate)

    hints = {hint for variable in channels for hint in variable.hints}
    linear = hints & {"in_features", "out_features"} and not hints & {"in_channels", "out_channels"}
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
        if variable.term is not None and len(variable.places) > 1:
            give(variable, "channels")
    between = [v for v in channels if not v.name and v.term is None]
    for variable in between:
        give(variable, "channels")
    for variable in (v for v in variables if not v.is_channels):
        hint = min((h for h in variable.hints if h.isidentifier()), key=_priority, default="value")
        kernel = next((v for v in variables if v.name == "kernel_size"), None)
        if hint == "padding" and kernel is not None and _is_half(variable.vector, kernel.vector):
            variable.term = Operation("//", (Name(kernel.name), Literal(2)))
        else:
            give(variable, hint)


def _priority(hint: str) -> int:
    """Padding follows from the others, so it does not name a number that they share."""
    return int(hint == "padding")


def _ratio(vector: Sequence[Any], base: Variable) -> Term | None:
    """The vector as a constant multiple or fraction of another."""
    pairs = [(a, b) for a, b in zip(vector, base.vector) if a is not MISSING]
    if not all(isinstance(a, int) and isinstance(b, int) and a and b for a, b in pairs):
        return None
    a, b = pairs[0]
    if b % a == 0 and all(y == x * (b // a) for x, y in pairs) and b // a > 1:
        return Operation("//", (Name(base.name), Literal(b // a)))
    if a % b == 0 and all(x == y * (a // b) for x, y in pairs) and a // b > 1:
        return Operation("*", (Literal(a // b), Name(base.name)))
    return None


def _is_half(vector: Sequence[Any], other: Sequence[Any]) -> bool:
    pairs = [(a, b) for a, b in zip(vector, other) if a is not MISSING]
    return all(isinstance(a, int) and isinstance(b, int) and a == b // 2 for a, b in pairs)


def _parametrised(
    statements: Sequence[Statement], terms: Mapping[tuple[int, int], Term | None], stored: dict[str, bool]
) -> list[Statement]:
    place = [0, 0]

    def replace(leaf: Leaf) -> Term:
        term = terms.get((place[0], place[1]))
        place[1] += 1
        if term is None:
            return Literal(leaf.value)
        return term if leaf.built else _on_self(term, stored)

    mapper = Mapper(replace)
    result = []
    for position, statement in enumerate(statements):
        place[:] = [position, 0]
        result.append(dataclasses.replace(statement, term=mapper(statement.term)))
    return result


def _on_self(term: Term, stored: dict[str, bool]) -> Term:
    if isinstance(term, Name):
        stored[term.text] = True
        return Name(f"self.{term.text}")
    if isinstance(term, Operation):
        return Operation(term.symbol, tuple(_on_self(item, stored) for item in term.operands))
    return term


def _parameters(
    variables: Sequence[Variable],
    stored: Mapping[str, bool],
    options: Sequence[Option],
    members: Sequence[Member],
) -> list[Parameter]:
    required: list[Parameter] = []
    optional: list[Parameter] = []
    for variable in variables:
        if variable.term is not None:
            continue
        default = None if variable.is_channels else _usual(variable.vector)
        parameter = Parameter(variable.name, _annotation(variable.vector), default, stored[variable.name])
        (required if default is None else optional).append(parameter)
    flags = []
    for index, option in enumerate(options):
        usual = 2 * sum(index not in member.lacks for member in members) > len(members)
        flags.append(Parameter(option.flag, "bool", Literal(usual), stored=option.is_expression))
    order = {"in_channels": 0, "in_features": 0, "channels": 1, "out_channels": 2, "out_features": 2}
    required.sort(key=lambda p: order.get(p.name, 1 if p.name.startswith("channels") else 3))
    return [*required, *optional, *flags]


def _usual(vector: Sequence[Any]) -> Term | None:
    """The value that at least half of the members have."""
    present = [value for value in vector if value is not MISSING]
    best = max(present, key=present.count)
    return Literal(best) if 2 * present.count(best) >= len(present) else None


def _annotation(vector: Sequence[Any]) -> str:
    kinds = []
    for value in vector:
        if value is MISSING:
            continue
        if isinstance(value, tuple):
            kinds.append(f"tuple[{', '.join(type(item).__name__ for item in value)}]")
        else:
            kinds.append(type(value).__name__)
    return " | ".join(sorted(set(kinds), key=lambda kind: (kind.startswith("tuple"), kind)))


def _unused(parameter: Parameter, given: Mapping[str, Any]) -> Any:
    """What is given for an argument of a part that is left out."""
    if isinstance(parameter.default, Literal):
        return parameter.default.value
    return next((v for v in given.values() if v is not MISSING and isinstance(v, int)), 0)


def _instance(
    block: Block, owner: str, member: Member, variables: Sequence[Variable], options: Sequence[Option], number: int
) -> Instance:
    given = {v.name: v.vector[number] for v in variables if v.term is None}
    args, kwargs = [], []
    for parameter in block.parameters:
        if parameter.name in given:
            value = given[parameter.name]
            if value is MISSING:
                value = _unused(parameter, given)
            if parameter.default is None:
                args.append(Literal(value))
            else:
                kwargs.append((parameter.name, Literal(value)))
    kwargs += [(option.flag, Literal(index not in member.lacks)) for index, option in enumerate(options)]
    present = [statement for statement in member.statements if statement is not None]
    mine = iter(owned(present))
    owns: list[Owned | None] = []
    seen: set[Owned] = set()
    for statement, original in zip(member.statements, block.statements):
        for item in owned([original]):
            if item not in seen:
                seen.add(item)
                owns.append(next(mine) if statement is not None else None)
    return Instance(owner, block, owns, Call(Name(block.name), tuple(args), tuple(kwargs)))
