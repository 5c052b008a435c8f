"""Assemble the attributes of a class, their paths, and the statements that use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from neutral_to_torch.emission.expression.rebuilding import inline
from neutral_to_torch.emission.expression.terms import (
    REGISTER_BUFFER,
    Call,
    Conditional,
    Declaration,
    ForEachModule,
    ListOrTuple,
    Literal,
    Name,
    Operation,
    Ref,
    SelfAttribute,
    Term,
)
from neutral_to_torch.emission.expression.traversal import values
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.groups import (
    ModuleListGroup,
    SequentialGroup,
    Siblings,
    block_arguments,
    constructor_of,
    item_of,
    statements_of,
)
from neutral_to_torch.emission.structure.module_ir import Option, Owned, owned
from neutral_to_torch.emission.structure.naming import UniqueIdentifiers, pattern


class Assembly:
    """Attributes of a class under construction, and its statements as they use them.

    Args:
        labels: The name of each submodule, parameter and buffer.
        unique: Makes names of attributes unique.
        siblings: Blocks that become entries of a list.

    Attributes:
        attributes: Names and constructors, in the order of ``__init__``.
        paths: The path in the state dict of all that is owned.
        names: The attribute that a statement applies.
        statements: The statements as they use the attributes.
    """

    def __init__(self, labels: Mapping[Owned, str], unique: UniqueIdentifiers, siblings: Sequence[Siblings]) -> None:
        self._labels, self._unique = labels, unique
        self._siblings = {item: group for group in siblings for item in group.items}
        self.attributes: list[tuple[str, Term]] = []
        self.paths: dict[Owned, str] = {}
        self.names: dict[Owned, str] = {}
        self.statements: list[Statement] = []

    def add_sequential(self, chain: SequentialGroup, option: Option | None) -> None:
        """Add an ``nn.Sequential`` and the statement that applies it.

        Args:
            chain: The submodules.
            option: The optional part that they are, or None.
        """
        name = self._unique(chain.name)
        constructor, run = constructor_of(chain, name, self.paths), statements_of(chain)
        whole = self._declare(name, constructor)
        call: Term = Call(SelfAttribute(whole), (Ref(run[0].operands[0]),))
        if option is not None:
            constructor, call = _optional(option, constructor, call, name)
        self.attributes.append((name, constructor))
        self.statements.append(replace(run[-1], name=name, term=call))

    def add_module_list(self, row: ModuleListGroup) -> None:
        """Add an ``nn.ModuleList`` and the loop that applies it.

        Args:
            row: Blocks that are applied one after another.
        """
        items = [item_of(statement) for statement in row.statements]
        item_labels = {self._labels[item] for item in items}
        label = item_labels.pop() if len(item_labels) == 1 else pattern([[item] for item in sorted(item_labels)])
        name = self._unique(label or "layers")
        self.paths.update((item, f"{name}.{k}") for k, item in enumerate(items))
        constructor = Call(Name("nn.ModuleList"), (ListOrTuple(tuple(item.constructor for item in items)),))
        whole = self._declare(name, constructor)
        arguments = [Ref(value) for value in block_arguments(row.statements[0])]
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
        """Add a statement with the attributes that it uses first.

        Args:
            statement: A statement outside of groups.
            option: The optional part that it belongs to, or None.
        """
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


def _optional(option: Option, constructor: Term, call: Term, name: str) -> tuple[Term, Term]:
    """Return the constructor and the application of a part that may be left out."""
    flag = Name(option.flag) if option.condition is None else option.condition
    if values(call) == [option.otherwise]:
        return Conditional(flag, constructor, Call(Name("nn.Identity"))), call
    test = Operation("is", (Name(f"self.{name}"), Literal(None)))
    application = Conditional(test, Ref(option.otherwise), call)
    return Conditional(flag, constructor, Literal(None)), application


def _declared(item: Owned, name: str, constructor: Term) -> Term:
    """Return the constructor of an attribute, or for a buffer the call that registers it."""
    if isinstance(item, Declaration) and item.buffer:
        return Call(REGISTER_BUFFER, (Literal(name), constructor))
    return constructor
