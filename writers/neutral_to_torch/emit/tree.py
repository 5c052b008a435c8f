"""What a class owns under which name, and which of it stands together in an ``nn.Sequential``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from neutral_to_torch.emit.lower import Op
from neutral_to_torch.emit.naming import Unique, module_members
from neutral_to_torch.emit.scope import Owned, owned
from neutral_to_torch.emit.terms import Declaration, Either, Term, rebuild


@dataclass(frozen=True)
class Tree:
    """``attributes`` in the order of ``__init__``; ``paths`` of all that is owned; ``ops`` that use the attributes."""

    attributes: tuple[tuple[str, Term], ...]
    paths: Mapping[Owned, str]
    ops: tuple[Op, ...]


def flat_tree(ops: Sequence[Op], labels: Mapping[Owned, str]) -> Tree:
    """Every submodule as an attribute of its own."""
    ops = [Op(op.name, inline(op.term), op.results) for op in ops]
    unique = Unique(module_members())
    paths = {item: unique(labels[item]) for item in owned(ops)}
    return Tree(
        tuple((attribute_name(item, path), item.constructor) for item, path in paths.items()), paths, tuple(ops)
    )


def inline(term: Term) -> Term:
    """The term as a line of ``forward`` has it, without submodules that hold nothing."""
    return rebuild(term, lambda part: inline(part.inline) if isinstance(part, Either) else None)


def attribute_name(item: Owned, name: str) -> str:
    """What stands left of the constructor; a buffer has to be registered."""
    if isinstance(item, Declaration) and item.buffer:
        return f'register_buffer("{name}", '
    return name
