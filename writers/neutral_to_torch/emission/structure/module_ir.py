"""Classes of the emitted file before they have text: statements of ``forward``, submodules and parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import inline
from neutral_to_torch.emission.expression.terms import Call, Declaration, Name, Term
from neutral_to_torch.emission.expression.traversal import owns
from neutral_to_torch.emission.lowering.program import Statement


@dataclass(eq=False)
class Parameter:
    """An argument of a class's ``__init__``. Without a default it is required."""

    name: str
    annotation: str
    default: Term | None = None
    stored: bool = False


@dataclass(frozen=True)
class Derived:
    """A number or condition that follows from the arguments.

    Attributes:
        name: Its name in the class.
        term: The expression by the arguments.
        stored: Whether ``forward`` uses it.
        built: Whether ``__init__`` uses it beside storing it.
    """

    name: str
    term: Term
    stored: bool
    built: bool = True


@dataclass(eq=False)
class Option:
    """A part that some instances of a block lack.

    Attributes:
        flag: The name of the argument, or attribute, that says whether an instance has it.
        value: The value that the part computes.
        otherwise: The earlier value that stands for it in instances that lack the part.
        statements: The statements of the part.
        condition: The condition on the block's arguments that the flag follows from, or None.
    """

    flag: str
    value: Value
    otherwise: Value
    statements: tuple[Statement, ...]
    condition: Term | None = None

    @property
    def is_expression(self) -> bool:
        """Whether it is one line of ``forward`` that uses nothing of the module."""
        return len(self.statements) == 1 and not owns(inline(self.statements[0].term))


@dataclass(eq=False, repr=False)
class Block:
    """A class with several instances: the statements of the largest one, their differences made parameters."""

    name: str
    inputs: tuple[Value, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[Value, ...]
    parameters: tuple[Parameter, ...] = ()
    options: tuple[Option, ...] = ()
    derived: tuple[Derived, ...] = ()
    members: list[Instance] = field(default_factory=list)
    doc: str = ""

    @cached_property
    def owns(self) -> list[Owned]:
        """Submodules, parameters and buffers, in the order of the statements."""
        return owned(self.statements)

    @cached_property
    def is_unit(self) -> bool:
        """Whether it is no more than a layer with its norm and activation."""
        return not self.options and sum(has_weights(item) for item in self.owns) <= 1

    @cached_property
    def is_chain(self) -> bool:
        """Whether it applies layers one after another, without options and larger blocks."""
        larger = any(isinstance(item, Instance) and not item.block.is_chain for item in self.owns)
        return not self.options and not larger and all(len(s.operands) == 1 for s in self.statements)


@dataclass(eq=False, repr=False)
class Instance:
    """A submodule of a :class:`Block`.

    ``owner`` is the node that gives its result, ``owns`` its own declarations in the order of the block's.
    """

    owner: str
    block: Block
    owns: list[Owned | None]
    constructor: Term


Owned = Union[Declaration, Instance]


def owned(statements: Sequence[Statement]) -> list[Owned]:
    """Return the submodules, parameters and buffers that statements use, each once, in order.

    Args:
        statements: Statements of one class.

    Returns:
        Declarations and instances of blocks.
    """
    items: dict[Owned, None] = {}
    for statement in statements:
        items.update(dict.fromkeys(statement.declarations))
    return list(items)


def has_weights(item: Owned) -> bool:
    """Return True for blocks and for layers with weights, whose application is a line of its own.

    Args:
        item: A submodule, parameter or buffer.

    Returns:
        False for layers without tensors, such as activations.
    """
    return isinstance(item, Instance) or item.has_weights


def has_own_line(item: Owned) -> bool:
    """Return whether the application of a submodule is a line of its own: not that of an embedding, a table look-up.

    Args:
        item: A submodule, parameter or buffer.

    Returns:
        True for all others with weights.
    """
    return has_weights(item) and not (isinstance(item, Declaration) and item.kind == "embedding")


def callee(constructor: Term) -> str:
    """Return the name of the class that a constructor calls: ``nn.Conv2d``.

    Args:
        constructor: The term that constructs a submodule.

    Returns:
        The name as written; "" for any other term.
    """
    if isinstance(constructor, Call) and isinstance(constructor.callee, Name):
        return constructor.callee.text
    return ""
