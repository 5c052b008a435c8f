"""Make a block of several regions of one canonical subgraph: a class, its arguments, an instance for each region."""

from __future__ import annotations

import dataclasses
from typing import Any, Collection, Mapping, Sequence

from neutral_to_torch.emission.expression.terms import (
    Call,
    Declaration,
    Literal,
    Name,
    Operation,
    Ref,
    SelfAttribute,
    Term,
)
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.arguments import complete_entry, name_variables
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, Leaf, Mapper, constant
from neutral_to_torch.emission.structure.conditions import condition
from neutral_to_torch.emission.structure.member import MISSING, Member
from neutral_to_torch.emission.structure.module_ir import Block, Derived, Instance, Option, Owned, Parameter, owned
from neutral_to_torch.emission.structure.variables import Variable, add_sizes, tabulate, vary


def make_block(
    name: str, template: CanonicalSubgraph, members: Sequence[Member], options: Sequence[Option]
) -> tuple[Block, list[Statement]] | None:
    """Make a class of regions that differ in numbers only.

    Args:
        name: The name of the class.
        template: The subgraph of a region that lacks no part.
        members: The regions, aligned with the template.
        options: The parts that some members lack.

    Returns:
        The block, and for each member the statement that applies its instance; None where too much differs.
    """
    table = tabulate(template, members)
    variables = vary(table)
    if len(variables) > HEURISTICS.most_parameters:
        return None
    variables = add_sizes(variables, table)
    name_variables(variables)
    complete_entry(variables)
    terms = {place: Name(v.name) if v.name else v.term for v in variables for place in v.places}
    stored = {v.name: False for v in variables if v.name}
    statements = _parametrised(template.statements, terms, stored)
    conditions = _conditions(options, members, variables)
    sizes = _optional_sizes(template, options, members, variables)
    conditions |= {flag: term for flag, (_, term) in sizes.items() if flag not in conditions}
    optional = {id(variable) for flag, (variable, term) in sizes.items() if conditions[flag] is term}
    parameters = _parameters(variables, stored, options, conditions, members, optional)
    replaced = dict(zip(template.statements, statements))
    chosen = tuple(
        dataclasses.replace(
            o, statements=tuple(map(replaced.__getitem__, o.statements)), condition=conditions.get(o.flag)
        )
        for o in options
    )
    derived = [Derived(v.name, v.term, stored[v.name]) for v in variables if v.name and v.term is not None]
    derived += [
        Derived(option.flag, option.condition, stored=True, built=False)
        for option in chosen
        if option.condition is not None and option.is_expression
    ]
    outputs = (template.output,)
    block = Block(name, template.inputs, tuple(statements), outputs, tuple(parameters), chosen, tuple(derived))
    applications = []
    for number, member in enumerate(members):
        last = next(statement for statement in reversed(member.statements) if statement is not None)
        instance = _instance(block, last.name, member, variables, options, number)
        block.members.append(instance)
        call = Call(SelfAttribute(instance), tuple(map(Ref, member.inputs)))
        applications.append(Statement(last.name, call, member.output, last.kind))
    return block, applications


def _conditions(options: Sequence[Option], members: Sequence[Member], variables: Sequence[Variable]) -> dict[str, Term]:
    """Return for each flag that follows from the arguments the condition."""
    conditions = {}
    for index, option in enumerate(options):
        term = condition(option.flag, [index not in member.lacks for member in members], variables)
        if term is not None:
            conditions[option.flag] = term
    return conditions


def _optional_sizes(
    template: CanonicalSubgraph, options: Sequence[Option], members: Sequence[Member], variables: Sequence[Variable]
) -> dict[str, tuple[Variable, Term]]:
    """Return by flag the only argument that an optional part alone uses: where it is None, the part is left out."""
    sizes: dict[str, tuple[Variable, Term]] = {}
    for index, option in enumerate(options):
        inside = {k for k, statement in enumerate(template.statements) if statement in option.statements}
        lacks = [index in member.lacks for member in members]
        used = [v for v in variables if v.name and v.term is None and {place[0] for place in v.places} <= inside]
        if len(used) == 1 and [value is MISSING for value in used[0].vector] == lacks and not option.is_expression:
            sizes[option.flag] = (used[0], Operation("is not", (Name(used[0].name), Literal(None))))
    return sizes


def _parametrised(
    statements: Sequence[Statement], terms: Mapping[tuple[int, int], Term | None], stored: dict[str, bool]
) -> list[Statement]:
    place = [0, 0]

    def replace(leaf: Leaf) -> Term:
        term = terms.get((place[0], place[1]))
        place[1] += 1
        if term is None:
            return constant(leaf.value)
        return term if leaf.built else _on_self(term, stored)

    mapper = Mapper(replace)
    result = []
    for position, statement in enumerate(statements):
        place[:] = [position, 0]
        mapped = mapper(statement.term)
        own = applied(mapped)
        is_open = own is not None and isinstance(own.declaration, Declaration) and own.declaration.kind == "activation"
        kind = "activation" if is_open else statement.kind
        result.append(dataclasses.replace(statement, term=mapped, kind=kind))
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
    conditions: Mapping[str, Term],
    members: Sequence[Member],
    sizes: Collection[int],
) -> list[Parameter]:
    required: list[Parameter] = []
    optional: list[Parameter] = []
    for variable in variables:
        if variable.term is not None:
            continue
        default = None if variable.is_channels else _usual(variable.vector)
        annotation = _annotation(variable.vector)
        if id(variable) in sizes:
            default, annotation = Literal(None), f"{annotation} | None"
        parameter = Parameter(variable.name, annotation, default, stored[variable.name])
        (required if default is None else optional).append(parameter)
    flags = []
    for index, option in enumerate(options):
        if option.flag in conditions:
            continue
        usual = 2 * sum(index not in member.lacks for member in members) > len(members)
        flags.append(Parameter(option.flag, "bool", Literal(usual), stored=option.is_expression))
    required.sort(key=lambda p: _order(p.name))
    return [*required, *optional, *flags]


def _order(name: str) -> int:
    """Return 0 for input channels, 1 for channels between, 2 for output channels, 3 for anything else."""
    ends = {"in_channels": 0, "in_features": 0, "out_channels": 2, "out_features": 2}
    return ends.get(name, 1 if name.rstrip("0123456789").endswith(("channels", "features")) else 3)


def _usual(vector: Sequence[Any]) -> Term | None:
    """Return the value that at least half of the members have."""
    present = [value for value in vector if value is not MISSING]
    best = max(present, key=present.count)
    return constant(best) if 2 * present.count(best) >= len(present) else None


def _annotation(vector: Sequence[Any]) -> str:
    kinds = []
    for value in vector:
        if value is MISSING:
            continue
        if isinstance(value, Name):
            kinds.append("type[nn.Module]")
        elif isinstance(value, tuple):
            kinds.append(f"tuple[{', '.join(type(item).__name__ for item in value)}]")
        else:
            kinds.append(type(value).__name__)
    return " | ".join(sorted(set(kinds), key=lambda kind: (kind.startswith("tuple"), kind)))


def _unused(parameter: Parameter, given: Mapping[str, Any]) -> Any:
    """Return the value passed for an argument that only an absent part would use."""
    if parameter.default is not None:
        return parameter.default.value if isinstance(parameter.default, Literal) else parameter.default
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
                args.append(constant(value))
            else:
                kwargs.append((parameter.name, constant(value)))
    flags = {parameter.name for parameter in block.parameters}
    kwargs += [(o.flag, Literal(index not in member.lacks)) for index, o in enumerate(options) if o.flag in flags]
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
