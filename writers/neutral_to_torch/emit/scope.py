"""Classes of the emitted file before they have text: the ops of a ``forward``, and what the module owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emit.lower import Op
from neutral_to_torch.emit.terms import Declaration, Either, Own, Term, children


@dataclass(eq=False)
class Parameter:
    """An argument of a class's ``__init__``. Without a default it is required."""

    name: str
    annotation: str
    default: Term | None = None
    stored: bool = False


@dataclass(eq=False)
class Option:
    """A part that some instances leave out: where ``flag`` is off, ``value`` is ``otherwise``."""

    flag: str
    value: Value
    otherwise: Value
    ops: tuple[Op, ...]


@dataclass(eq=False)
class Block:
    """A class that has several instances. Its ops are those of the fullest instance, differences made parameters."""

    name: str
    inputs: tuple[Value, ...]
    ops: tuple[Op, ...]
    outputs: tuple[Value, ...]
    parameters: tuple[Parameter, ...] = ()
    options: tuple[Option, ...] = ()
    members: list[Instance] = field(default_factory=list)
    doc: str = ""

    @property
    def owns(self) -> list[Owned]:
        return owned(self.ops)


@dataclass(eq=False)
class Instance:
    """A submodule of a :class:`Block`. ``owns`` are its own declarations, in the order of the block's."""

    owner: str
    block: Block
    owns: list[Owned | None]
    constructor: Term


Owned = Union[Declaration, Instance]


def owned(ops: Sequence[Op]) -> list[Owned]:
    """What the ops use of the module, each once, in order."""
    found: dict[Owned, None] = {}
    for op in ops:
        for own in _owns(op.term):
            found[own.declaration] = None
    return list(found)


def _owns(term: Term) -> list[Own]:
    if isinstance(term, Own):
        return [term]
    if isinstance(term, Either):
        return _owns(term.module)
    return [own for child in children(term) for own in _owns(child)]
