"""Groups of submodules under one name: ``nn.Sequential`` and ``nn.ModuleList``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Call, ListOrTuple, Literal, Name, Ref, Term
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.labels import numbered
from neutral_to_torch.emission.structure.module_ir import Instance, Owned
from neutral_to_torch.emission.structure.naming import UniqueIdentifiers, module_members

MOST_KEYWORDS = 1000
"""Keywords of a call: Python compares each with every other when it compiles the call."""


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


def block_arguments(statement: Statement) -> list[Value]:
    """Return the values that a block is applied to.

    Args:
        statement: A statement.

    Returns:
        Values in the order of the arguments; none where the statement applies no block.
    """
    own = applied(statement.term)
    if own is None or not isinstance(own.declaration, Instance) or not isinstance(statement.term, Call):
        return []
    return [item.value for item in statement.term.args if isinstance(item, Ref)]


def statements_of(node: GroupItem) -> list[Statement]:
    """Return the statements of a group, those of nested groups included.

    Args:
        node: A group or a statement.

    Returns:
        Statements in execution order.
    """
    if isinstance(node, Statement):
        return [node]
    return [statement for item in node.items for statement in statements_of(item)]


def constructor_of(node: SequentialGroup, path: str, paths: dict[Owned, str]) -> Term:
    """Return ``nn.Sequential(...)``, and enter the paths of its items into ``paths``.

    Args:
        node: The group of submodules.
        path: The path of the sequence in the state dict.
        paths: The path by submodule; entries are added in place.

    Returns:
        The call that constructs the sequence.
    """
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
        if len(keys) > MOST_KEYWORDS:
            pairs = tuple(ListOrTuple((Literal(key), term), "()") for key, term in zip(keys, terms))
            ordered = Call(Name("OrderedDict"), (ListOrTuple(pairs),))
        return Call(Name("nn.Sequential"), (ordered,))
    return Call(Name("nn.Sequential"), tuple(terms))


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


def entry_names(run: Sequence[Statement], names: Mapping[Owned, str]) -> list[str]:
    """Return the names of the entries of a sequence; none, for numbers, where all are blocks or numbered.

    Args:
        run: Statements that each apply one submodule.
        names: The name of each submodule.

    Returns:
        A name for each entry, each once.
    """
    items = [item_of(statement) for statement in run]
    if all(isinstance(item, Instance) for item in items) or all(names[i].isdigit() for i in items):
        return []
    return numbered([names[item] for item in items])
