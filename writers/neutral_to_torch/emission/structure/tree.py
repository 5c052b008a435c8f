"""Attributes of a class, their names, and the ``nn.Sequential`` and ``nn.ModuleList`` groups among them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Mapping, Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import inline
from neutral_to_torch.emission.expression.terms import (
    REGISTER_BUFFER,
    Call,
    Conditional,
    Declaration,
    ForEachModule,
    ListOrTuple,
    Literal,
    ModuleOrFunction,
    Name,
    Operation,
    Ref,
    SelfAttribute,
    Term,
)
from neutral_to_torch.emission.expression.traversal import applied, values
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.labels import KIND_WORDS, numbered
from neutral_to_torch.emission.structure.module_ir import Instance, Option, Owned, owned
from neutral_to_torch.emission.structure.naming import UniqueIdentifiers, module_members, pattern


@dataclass(frozen=True)
class Tree:
    """``attributes`` in the order of ``__init__``, ``paths`` of all that is owned, and ``statements`` that use them.

    ``names`` gives the attribute that a statement applies. Where ``sequence`` is set, the class is an nn.Sequential.
    """

    attributes: tuple[tuple[str, Term], ...]
    paths: Mapping[Owned, str]
    statements: tuple[Statement, ...]
    names: Mapping[Owned, str]
    sequence: Term | None = None


@dataclass(eq=False)
class SequentialGroup:
    """Submodules one after the other, under one name; ``names`` of its items, None for numbers."""

    name: str
    items: list[GroupItem]
    names: list[str] = field(default_factory=list)


GroupItem = Union[SequentialGroup, Statement]


@dataclass(eq=False)
class Siblings:
    """Numbered blocks of one class that are entries of an ``nn.ModuleList``."""

    name: str
    items: list[Owned]


@dataclass(eq=False)
class ModuleListGroup:
    """Blocks one after the other; ``position`` is the argument that goes through them."""

    statements: list[Statement]
    position: int


class TreeBuilder:
    """Name the submodules of statements and gather linear chains."""

    def __init__(
        self, statements: Sequence[Statement], outputs: Sequence[Value], options: Sequence[Option] = ()
    ) -> None:
        self.statements = list(statements)
        self.outputs = set(outputs)
        self.options = options
        self._option_of = {id(statement): option for option in options for statement in option.statements}
        self._uses: dict[Value, int] = {}
        self._appliers: dict[Owned, int] = {}
        for statement in self.statements:
            for value in statement.operands:
                self._uses[value] = self._uses.get(value, 0) + 1
            for item in owned([statement]):
                self._appliers[item] = self._appliers.get(item, 0) + 1
        for option in options:
            self._uses[option.otherwise] = self._uses.get(option.otherwise, 0) + 1

    def runs(self) -> list[list[Statement]]:
        """Return maximal runs of submodules, each applied to what the one before gives and nothing else uses."""
        maker = {statement.results: statement for statement in self.statements if isinstance(statement.results, Value)}
        runs: dict[int, list[Statement]] = {}
        for statement in self.statements:
            if not self._can_run(statement):
                continue
            before = maker.get(statement.operands[0])
            run = runs.get(id(before)) if before is not None else None
            if before is not None and run is not None and run[-1] is before and self._continues(before, statement):
                run.append(statement)
                runs[id(statement)] = run
            else:
                runs[id(statement)] = [statement]
        return list({id(run): run for run in runs.values()}.values())

    def _can_run(self, statement: Statement) -> bool:
        own = applied(statement.term)
        term = statement.term.module if isinstance(statement.term, ModuleOrFunction) else statement.term
        return (
            own is not None
            and isinstance(term, Call)
            and len(term.args) == 1
            and isinstance(term.args[0], Ref)
            and not term.kwargs
            and isinstance(statement.results, Value)
            and self._appliers[own.declaration] == 1
        )

    def _continues(self, before: Statement, statement: Statement) -> bool:
        if self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        boundary = any(option.value == before.results for option in self.options)
        return not boundary and self._option_of.get(id(before)) is self._option_of.get(id(statement))

    def tree(
        self, nodes: Sequence[SequentialGroup], labels: Mapping[Owned, str], gather_siblings: bool = False
    ) -> Tree:
        """Return the tree with ``nodes`` as sequences, rows as lists and everything else as attributes.

        Args:
            nodes: The sequences.
            labels: The names of all that is owned.
            gather_siblings: Whether blocks of one class whose names differ by a number become entries of a list.
        """
        first = {id(_ops_of(node)[0]): node for node in nodes}
        last = {id(row.statements[-1]): row for row in self._module_lists()}
        gathered = {id(statement) for node in nodes for statement in _ops_of(node)}
        gathered |= {id(statement) for row in last.values() for statement in row.statements}
        alone = [
            replace(statement, term=inline(statement.term))
            for statement in self.statements
            if id(statement) not in gathered
        ]
        items = owned(alone)
        siblings = self._siblings(alone, labels) if gather_siblings else []
        labels = {**labels, **dict(zip(items, numbered([labels[item] for item in items])))}
        flags = {option.flag for option in self.options if option.is_expression}
        assembly = _Assembly(labels, UniqueIdentifiers(module_members() | flags), siblings)
        for statement in self.statements:
            option = self._option_of.get(id(statement))
            if id(statement) in first:
                assembly.add_sequential(first[id(statement)], option)
            elif id(statement) in last:
                assembly.add_module_list(last[id(statement)])
            elif id(statement) not in gathered:
                assembly.add_op(statement, option)
        return Tree(tuple(assembly.attributes), assembly.paths, tuple(assembly.statements), assembly.names)

    def _siblings(self, statements: Sequence[Statement], labels: Mapping[Owned, str]) -> list[Siblings]:
        """Return the blocks of one class whose names differ by a number and whose results are used alike."""
        users = {value: user for user in self.statements for value in user.operands}
        groups: dict[tuple[object, ...], list[Owned]] = {}
        for statement in statements:
            own = applied(statement.term)
            item = None if own is None else own.declaration
            if not isinstance(item, Instance) or self._appliers[item] > 1 or not isinstance(statement.results, Value):
                continue
            stem = re.sub("[0-9]+", "", labels[item])
            user = users.get(statement.results)
            merged = user is not None and self._uses[statement.results] == 1 and len(user.operands) > 2
            groups.setdefault((item.block, stem, id(user) if merged else None), []).append(item)
        return [
            Siblings(_plural(labels[items[0]]), items)
            for items in groups.values()
            if len(items) >= HEURISTICS.fewest_listed and _is_numbered([labels[item] for item in items])
        ]

    def _module_lists(self) -> list[ModuleListGroup]:
        """Return runs of blocks of one class that all take the same values beside the one that goes through them."""
        maker = {statement.results: statement for statement in self.statements if isinstance(statement.results, Value)}
        rows: dict[int, ModuleListGroup] = {}
        for statement in self.statements:
            for position, operand in enumerate(_arguments(statement)):
                before = maker.get(operand)
                if before is None or not self._follows(before, statement, position):
                    continue
                row = rows.setdefault(id(before), ModuleListGroup([before], position))
                if row.position != position:
                    continue
                row.statements.append(statement)
                rows[id(statement)] = row
                break
        found = {id(row): row for row in rows.values() if len(row.statements) >= HEURISTICS.fewest_listed}
        return list(found.values())

    def _follows(self, before: Statement, statement: Statement, position: int) -> bool:
        """Return whether two blocks differ in nothing but what goes through them."""
        one, other = applied(before.term), applied(statement.term)
        if one is None or other is None or self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        blocks = [own.declaration.block for own in (one, other) if isinstance(own.declaration, Instance)]
        if len(blocks) < 2 or blocks[0] is not blocks[1] or self._appliers[other.declaration] > 1:
            return False
        first, second = _arguments(before), _arguments(statement)
        return len(first) > 1 and _without(first, position) == _without(second, position)


class _Assembly:
    """Attributes of a class under construction, and its statements as they use them."""

    def __init__(self, labels: Mapping[Owned, str], unique: UniqueIdentifiers, siblings: Sequence[Siblings]) -> None:
        self._labels, self._unique = labels, unique
        self._siblings = {item: group for group in siblings for item in group.items}
        self.attributes: list[tuple[str, Term]] = []
        self.paths: dict[Owned, str] = {}
        self.names: dict[Owned, str] = {}
        self.statements: list[Statement] = []

    def add_sequential(self, chain: SequentialGroup, option: Option | None) -> None:
        name = self._unique(chain.name)
        constructor, run = constructor_of(chain, name, self.paths), _ops_of(chain)
        whole = self._declare(name, constructor)
        call: Term = Call(SelfAttribute(whole), (Ref(run[0].operands[0]),))
        if option is not None:
            constructor, call = _optional(option, constructor, call, name)
        self.attributes.append((name, constructor))
        self.statements.append(replace(run[-1], name=name, term=call))

    def add_module_list(self, row: ModuleListGroup) -> None:
        """Add an ``nn.ModuleList`` and the loop that applies it."""
        items = [item_of(statement) for statement in row.statements]
        found = {self._labels[item] for item in items}
        label = found.pop() if len(found) == 1 else pattern([[item] for item in sorted(found)])
        name = self._unique(label or "layers")
        self.paths.update((item, f"{name}.{k}") for k, item in enumerate(items))
        constructor = Call(Name("nn.ModuleList"), (ListOrTuple(tuple(item.constructor for item in items)),))
        whole = self._declare(name, constructor)
        arguments = [Ref(value) for value in _arguments(row.statements[0])]
        value = arguments.pop(row.position)
        self.attributes.append((name, constructor))
        self.statements.append(
            Statement(
                name,
                ForEachModule(SelfAttribute(whole), value, tuple(arguments), row.position),
                row.statements[-1].results,
            )
        )

    def add_op(self, statement: Statement, option: Option | None) -> None:
        term = inline(statement.term)
        if option is not None and option.is_expression:
            term = Conditional(Name(f"self.{option.flag}"), term, Ref(option.otherwise))
        for item in owned([replace(statement, term=term)]):
            if item in self.paths:
                continue
            if item in self._siblings:
                self._add_siblings(self._siblings[item])
                continue
            name = self._unique(self._labels[item] if option is None else option.flag)
            self.paths[item] = self.names[item] = name
            constructor = item.constructor
            if option is not None:
                constructor, term = _optional(option, constructor, term, name)
            self.attributes.append((name, _declared(item, name, constructor)))
        self.statements.append(replace(statement, term=term))

    def _add_siblings(self, group: Siblings) -> None:
        """Add an ``nn.ModuleList`` whose entries are applied one by one."""
        name = self._unique(group.name)
        for number, item in enumerate(group.items):
            self.paths[item], self.names[item] = f"{name}.{number}", f"{name}[{number}]"
        constructors = ListOrTuple(tuple(item.constructor for item in group.items))
        self.attributes.append((name, Call(Name("nn.ModuleList"), (constructors,))))

    def _declare(self, name: str, constructor: Term) -> Declaration:
        whole = Declaration(name, constructor, has_weights=True)
        self.names[whole] = name
        return whole


def _is_numbered(names: Sequence[str]) -> bool:
    """Return whether names differ by their numbers, which grow, and say more than a kind."""
    numbers = [[_magnitude(digits) for digits in re.findall("[0-9]+", name)] for name in names]
    is_kind = re.sub("_?[0-9]+", "", names[0]) in KIND_WORDS
    return not is_kind and all(before < after for before, after in zip(numbers, numbers[1:]))


def _magnitude(digits: str) -> tuple[int, str]:
    """Return a key that sorts as the number does; Python refuses to parse thousands of digits."""
    digits = digits.lstrip("0")
    return len(digits), digits


def _plural(name: str) -> str:
    """Return the name of a list of blocks, given that of its first: ``extras`` for ``extra0``."""
    words = [word for word in (part.rstrip("0123456789") for part in name.split("_")) if word]
    if len(words) > 1 and re.search("[0-9]", name.rpartition(words[-1])[0]):
        words = words[-1:]
    stem = "_".join(words)
    return stem if stem.endswith("s") else f"{stem}s"


def _arguments(statement: Statement) -> list[Value]:
    """Return the values that a block is applied to; none where the statement is anything else."""
    own = applied(statement.term)
    if own is None or not isinstance(own.declaration, Instance) or not isinstance(statement.term, Call):
        return []
    return [item.value for item in statement.term.args if isinstance(item, Ref)]


def _without(values: Sequence[Value], position: int) -> list[Value]:
    return [value for k, value in enumerate(values) if k != position]


def _optional(option: Option, constructor: Term, call: Term, name: str) -> tuple[Term, Term]:
    """Return the constructor and the application of a part that may be left out."""
    flag = Name(option.flag) if option.condition is None else option.condition
    if values(call) == [option.otherwise]:
        return Conditional(flag, constructor, Call(Name("nn.Identity"))), call
    test = Operation("is", (Name(f"self.{name}"), Literal(None)))
    application = Conditional(test, Ref(option.otherwise), call)
    return Conditional(flag, constructor, Literal(None)), application


def _ops_of(node: GroupItem) -> list[Statement]:
    if isinstance(node, Statement):
        return [node]
    return [statement for item in node.items for statement in _ops_of(item)]


def constructor_of(node: SequentialGroup, path: str, paths: dict[Owned, str]) -> Term:
    """Return ``nn.Sequential(...)``, and enter the paths of its items into ``paths``."""
    unique = UniqueIdentifiers(module_members())
    terms, keys = [], []
    for position, item in enumerate(node.items):
        key = unique(node.names[position]) if node.names else str(position)
        keys.append(key)
        if isinstance(item, SequentialGroup):
            terms.append(constructor_of(item, f"{path}.{key}", paths))
            continue
        own = applied(item.term)
        assert own is not None
        paths[own.declaration] = f"{path}.{key}"
        terms.append(own.declaration.constructor)
    if node.names:
        ordered = Call(Name("OrderedDict"), (), tuple(zip(keys, terms)))
        return Call(Name("nn.Sequential"), (ordered,))
    return Call(Name("nn.Sequential"), tuple(terms))


def flat_tree(statements: Sequence[Statement], outputs: Sequence[Value], labels: Mapping[Owned, str]) -> Tree:
    """Return every submodule as an attribute of its own.

    Args:
        statements: The statements of the class.
        outputs: The values that it returns.
        labels: The name of each submodule.

    Returns:
        A tree without sequences.
    """
    return TreeBuilder(statements, outputs).tree([], labels)


def _declared(item: Owned, name: str, constructor: Term) -> Term:
    """Return the constructor of an attribute, or for a buffer the call that registers it."""
    if isinstance(item, Declaration) and item.buffer:
        return Call(REGISTER_BUFFER, (Literal(name), constructor))
    return constructor


def item_of(statement: Statement) -> Owned:
    """Return the submodule that a statement applies.

    Args:
        statement: A statement that only applies a submodule to values.

    Returns:
        The declaration or the instance of a block.
    """
    own = applied(statement.term)
    assert own is not None
    item: Owned = own.declaration
    return item
