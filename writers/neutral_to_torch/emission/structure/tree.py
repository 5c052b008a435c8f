"""What a class owns under which name, and which of it stands together in an ``nn.Sequential``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import (
    REGISTER_BUFFER,
    Call,
    Conditional,
    Declaration,
    Display,
    Each,
    Either,
    Literal,
    Name,
    Operation,
    Own,
    Ref,
    Term,
    applied,
    inline,
    values,
)
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.lower import Op
from neutral_to_torch.emission.structure.labels import numbered
from neutral_to_torch.emission.structure.module_ir import Instance, Option, Owned, owned
from neutral_to_torch.emission.structure.naming import Unique, module_members, pattern


@dataclass(frozen=True)
class Tree:
    """``attributes`` in the order of ``__init__``; ``paths`` of all that is owned; ``ops`` that use the attributes.

    ``names`` gives the attribute of what an op applies. Where ``sequence`` is set, the class is an nn.Sequential.
    """

    attributes: tuple[tuple[str, Term], ...]
    paths: Mapping[Owned, str]
    ops: tuple[Op, ...]
    names: Mapping[Owned, str]
    sequence: Term | None = None


@dataclass(eq=False)
class SequentialGroup:
    """Submodules one after the other, under one name; ``names`` of its items, None for numbers."""

    name: str
    items: list[GroupItem]
    names: list[str] = field(default_factory=list)


GroupItem = Union[SequentialGroup, Op]


@dataclass(eq=False)
class ModuleListGroup:
    """Blocks one after the other; ``position`` is the argument that goes through them."""

    ops: list[Op]
    position: int


class TreeBuilder:
    """Gives names to what the ops own and gathers straight runs."""

    def __init__(self, ops: Sequence[Op], outputs: Sequence[Value], options: Sequence[Option] = ()) -> None:
        self.ops = list(ops)
        self.outputs = set(outputs)
        self.options = options
        self._option_of = {id(op): option for option in options for op in option.ops}
        self._uses: dict[Value, int] = {}
        self._appliers: dict[Owned, int] = {}
        for op in self.ops:
            for value in op.operands:
                self._uses[value] = self._uses.get(value, 0) + 1
            for item in owned([op]):
                self._appliers[item] = self._appliers.get(item, 0) + 1
        for option in options:
            self._uses[option.otherwise] = self._uses.get(option.otherwise, 0) + 1

    def runs(self) -> list[list[Op]]:
        """Maximal runs of submodules, each applied to what the one before gives and nothing else uses."""
        maker = {op.results: op for op in self.ops if isinstance(op.results, Value)}
        runs: dict[int, list[Op]] = {}
        for op in self.ops:
            if not self._can_run(op):
                continue
            before = maker.get(op.operands[0])
            run = runs.get(id(before)) if before is not None else None
            if before is not None and run is not None and run[-1] is before and self._continues(before, op):
                run.append(op)
                runs[id(op)] = run
            else:
                runs[id(op)] = [op]
        return list({id(run): run for run in runs.values()}.values())

    def _can_run(self, op: Op) -> bool:
        own = applied(op.term)
        term = op.term.module if isinstance(op.term, Either) else op.term
        return (
            own is not None
            and isinstance(term, Call)
            and len(term.args) == 1
            and isinstance(term.args[0], Ref)
            and not term.kwargs
            and isinstance(op.results, Value)
            and self._appliers[own.declaration] == 1
        )

    def _continues(self, before: Op, op: Op) -> bool:
        if self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        boundary = any(option.value == before.results for option in self.options)
        return not boundary and self._option_of.get(id(before)) is self._option_of.get(id(op))

    def tree(self, nodes: Sequence[SequentialGroup], labels: Mapping[Owned, str]) -> Tree:
        """The tree in which ``nodes`` are sequences, rows are lists and everything else is an attribute of its own."""
        first = {id(_ops_of(node)[0]): node for node in nodes}
        last = {id(row.ops[-1]): row for row in self._module_lists()}
        gathered = {id(op) for node in nodes for op in _ops_of(node)}
        gathered |= {id(op) for row in last.values() for op in row.ops}
        alone = [Op(op.name, inline(op.term), op.results) for op in self.ops if id(op) not in gathered]
        items = owned(alone)
        labels = {**labels, **dict(zip(items, numbered([labels[item] for item in items])))}
        flags = {option.flag for option in self.options if option.is_expression}
        assembly = _Assembly(labels, Unique(module_members() | flags))
        for op in self.ops:
            option = self._option_of.get(id(op))
            if id(op) in first:
                assembly.add_sequential(first[id(op)], option)
            elif id(op) in last:
                assembly.add_module_list(last[id(op)])
            elif id(op) not in gathered:
                assembly.add_op(op, option)
        return Tree(tuple(assembly.attributes), assembly.paths, tuple(assembly.ops), assembly.names)

    def _module_lists(self) -> list[ModuleListGroup]:
        """Runs of blocks of one class that all take the same values beside the one that goes through them."""
        maker = {op.results: op for op in self.ops if isinstance(op.results, Value)}
        rows: dict[int, ModuleListGroup] = {}
        for op in self.ops:
            for position, operand in enumerate(_arguments(op)):
                before = maker.get(operand)
                if before is None or not self._follows(before, op, position):
                    continue
                row = rows.setdefault(id(before), ModuleListGroup([before], position))
                if row.position != position:
                    continue
                row.ops.append(op)
                rows[id(op)] = row
                break
        found = {id(row): row for row in rows.values() if len(row.ops) >= HEURISTICS.fewest_listed}
        return list(found.values())

    def _follows(self, before: Op, op: Op, position: int) -> bool:
        """Whether two blocks differ in nothing but what goes through them."""
        one, other = applied(before.term), applied(op.term)
        if one is None or other is None or self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        blocks = [own.declaration.block for own in (one, other) if isinstance(own.declaration, Instance)]
        if len(blocks) < 2 or blocks[0] is not blocks[1] or self._appliers[other.declaration] > 1:
            return False
        first, second = _arguments(before), _arguments(op)
        return len(first) > 1 and _without(first, position) == _without(second, position)


class _Assembly:
    """Collects a class's attributes, and its ops as they use them."""

    def __init__(self, labels: Mapping[Owned, str], unique: Unique) -> None:
        self._labels, self._unique = labels, unique
        self.attributes: list[tuple[str, Term]] = []
        self.paths: dict[Owned, str] = {}
        self.names: dict[Owned, str] = {}
        self.ops: list[Op] = []

    def add_sequential(self, chain: SequentialGroup, option: Option | None) -> None:
        name = self._unique(chain.name)
        constructor, run = constructor_of(chain, name, self.paths), _ops_of(chain)
        whole = self._declare(name, constructor)
        call: Term = Call(Own(whole), (Ref(run[0].operands[0]),))
        if option is not None:
            constructor, call = _optional(option, constructor, call, name)
        self.attributes.append((name, constructor))
        self.ops.append(Op(name, call, run[-1].results))

    def add_module_list(self, row: ModuleListGroup) -> None:
        """An ``nn.ModuleList``, and the loop that applies it."""
        items = [item_of(op) for op in row.ops]
        found = {self._labels[item] for item in items}
        label = found.pop() if len(found) == 1 else pattern([[item] for item in sorted(found)])
        name = self._unique(label or "layers")
        self.paths.update((item, f"{name}.{k}") for k, item in enumerate(items))
        constructor = Call(Name("nn.ModuleList"), (Display(tuple(item.constructor for item in items)),))
        whole = self._declare(name, constructor)
        arguments = [Ref(value) for value in _arguments(row.ops[0])]
        value = arguments.pop(row.position)
        self.attributes.append((name, constructor))
        self.ops.append(Op(name, Each(Own(whole), value, tuple(arguments), row.position), row.ops[-1].results))

    def add_op(self, op: Op, option: Option | None) -> None:
        term = inline(op.term)
        if option is not None and option.is_expression:
            term = Conditional(Name(f"self.{option.flag}"), term, Ref(option.otherwise))
        for item in owned([Op(op.name, term, op.results)]):
            if item in self.paths:
                continue
            name = self._unique(self._labels[item] if option is None else option.flag)
            self.paths[item] = self.names[item] = name
            constructor = item.constructor
            if option is not None:
                constructor, term = _optional(option, constructor, term, name)
            self.attributes.append((name, _declared(item, name, constructor)))
        self.ops.append(Op(op.name, term, op.results))

    def _declare(self, name: str, constructor: Term) -> Declaration:
        whole = Declaration(name, constructor)
        self.names[whole] = name
        return whole


def _arguments(op: Op) -> list[Value]:
    """The values that a block is applied to; none where the op is anything else."""
    own = applied(op.term)
    if own is None or not isinstance(own.declaration, Instance) or not isinstance(op.term, Call):
        return []
    return [item.value for item in op.term.args if isinstance(item, Ref)]


def _without(values: Sequence[Value], position: int) -> list[Value]:
    return [value for k, value in enumerate(values) if k != position]


def _optional(option: Option, constructor: Term, call: Term, name: str) -> tuple[Term, Term]:
    """The constructor and the application of a part that may be left out."""
    if values(call) == [option.otherwise]:
        return Conditional(Name(option.flag), constructor, Call(Name("nn.Identity"))), call
    test = Operation("is", (Name(f"self.{name}"), Literal(None)))
    application = Conditional(test, Ref(option.otherwise), call)
    return Conditional(Name(option.flag), constructor, Literal(None)), application


def _ops_of(node: GroupItem) -> list[Op]:
    if isinstance(node, Op):
        return [node]
    return [op for item in node.items for op in _ops_of(item)]


def constructor_of(node: SequentialGroup, path: str, paths: dict[Owned, str]) -> Term:
    """``nn.Sequential(...)``; the paths of what is inside are entered into ``paths``."""
    unique = Unique(module_members())
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


def flat_tree(ops: Sequence[Op], outputs: Sequence[Value], labels: Mapping[Owned, str]) -> Tree:
    """Every submodule as an attribute of its own."""
    return TreeBuilder(ops, outputs).tree([], labels)


def _declared(item: Owned, name: str, constructor: Term) -> Term:
    """What makes an attribute of it: its constructor, or for a buffer the call that registers it."""
    if isinstance(item, Declaration) and item.buffer:
        return Call(REGISTER_BUFFER, (Literal(name), constructor))
    return constructor


def item_of(op: Op) -> Owned:
    own = applied(op.term)
    assert own is not None
    return own.declaration
