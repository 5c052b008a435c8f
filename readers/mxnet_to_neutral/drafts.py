"""Mutable drafts of neutral nodes, which rules create, passes rewrite and :mod:`layers.assemble` freezes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Iterable, Mapping, Sequence, Union

from mxnet_to_neutral.layers.canonical import Recipe
from mxnet_to_neutral.symbol.model import SymbolNode
from neutral.graph import Input, Operand, Value
from neutral.rewriting import replace_operations


@dataclass(frozen=True)
class Absent:
    """A tensor role whose array is missing from the checkpoint.

    Attributes:
        variable: The name of the symbol's variable.
    """

    variable: str


RoleDraft = Union[Recipe, Value, Absent, None]
"""The content of a tensor role: a stored tensor, a computed value, a missing array, or None for an unused role."""


@dataclass
class Draft:
    """A neutral node that is still being rewritten; an :class:`neutral.rewriting.Operation`.

    Attributes:
        name: The name, unique in the graph; output k is ``Value(name, k)``.
        kind: The catalogue's kind.
        inputs: Operands in the catalogue's order; None for an optional input that is left out.
        attributes: Attributes by name, all of the kind's but those in ``bodies``.
        origin: The symbol's node from which the draft was made.
        roles: Content of the tensor roles by name.
        layer: The layer's name, None to derive it from the names of the arrays.
        bodies: Graph-valued attributes by name.
    """

    name: str
    kind: str
    inputs: list[Operand]
    attributes: dict[str, Any]
    origin: SymbolNode
    roles: dict[str, RoleDraft] = field(default_factory=dict)
    layer: str | None = None
    bodies: dict[str, Conversion] = field(default_factory=dict)

    @property
    def operands(self) -> Sequence[Value]:
        """The values that the draft uses: inputs, then computed roles."""
        return [operand for operand in (*self.inputs, *self.roles.values()) if isinstance(operand, Value)]

    def map_values(self, function: Callable[[Value], Value]) -> None:
        """Replace every value among inputs and roles by ``function(value)``.

        Args:
            function: Returns the value that takes the place of another.
        """
        self.inputs = [function(item) if isinstance(item, Value) else item for item in self.inputs]
        self.roles = {name: function(role) if isinstance(role, Value) else role for name, role in self.roles.items()}


@dataclass
class Conversion:
    """A symbol converted to drafts, and the findings made on the way.

    Attributes:
        file: The symbol's file, for messages.
        drafts: Drafts in execution order.
        inputs: The graph's inputs, in the symbol's order.
        outputs: The graph's outputs.
        problems: Contradictions between symbol and arrays; any of them fails the reading.
        notes: Remarks for the store.
    """

    file: str
    drafts: list[Draft] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def replace(self, new: Iterable[Draft], removed: Collection[str], values: Mapping[Value, Value]) -> None:
        """Replace drafts, and values in the operands of all drafts and among the outputs.

        Args:
            new: Drafts to insert; see :func:`neutral.rewriting.replace_operations` for their places.
            removed: Names of the drafts to remove.
            values: The new value of each value that is replaced. Not applied repeatedly: a new value may be a key too.
        """

        def replacement(value: Value) -> Value:
            return values.get(value, value)

        new = list(new)
        for draft in (*self.drafts, *new):
            draft.map_values(replacement)
        self.drafts = replace_operations(self.drafts, new, removed)
        self.outputs = [replacement(value) for value in self.outputs]
