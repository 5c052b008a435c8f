"""One node of a symbol as its rule sees it, and the drafts of neutral nodes that the rule makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Collection, Mapping, NoReturn, Sequence, Union

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.layers.canonical import Recipe, identity, transpose
from mxnet_to_neutral.layers.gates import matrix
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.model import Symbol, SymbolNode
from neutral.errors import NeutralError
from neutral.graph import Graph, Input, Operand, Value
from neutral.operators import catalogue

if TYPE_CHECKING:
    from mxnet_to_neutral.convert import Converter


@dataclass(frozen=True)
class Absent:
    """A role whose array is not there: the name of the symbol's variable."""

    variable: str


RoleDraft = Union[Recipe, Value, Absent, None]
"""What fills a role: an array, a value that the graph computes, an array that is missing, or nothing."""


NO_GRAPH = Graph((), (), ())
"""Stands for a graph that is not frozen yet."""


class Refusal(NeutralError):
    """A rule cannot express its node exactly; the message is the reason."""


@dataclass
class Draft:
    """A neutral node before it is frozen. ``origin`` is the symbol's node."""

    name: str
    kind: str
    inputs: list[Operand]
    attributes: dict[str, Any]
    origin: SymbolNode
    roles: dict[str, RoleDraft] = field(default_factory=dict)
    layer: str | None = None
    """The layer's name where the rule knows better than the arrays' names."""
    bodies: dict[str, Conversion] = field(default_factory=dict)
    """The attributes that are graphs."""


@dataclass
class Conversion:
    """What converting a symbol gives: drafts in execution order, graph inputs, outputs, problems and notes."""

    file: str
    drafts: list[Draft] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class NodeContext:
    """One node of the symbol, as its rule sees it.

    ``attributes`` parses and defaults them; ``operator`` is the name the rule was found by; ``count`` is the number
    of inputs, ``dtypes`` are their dtypes where they are known, and ``version`` is that of the MXNet that wrote it.
    """

    def __init__(self, converter: Converter, index: int, name: str) -> None:
        self.symbol_node = converter.symbol.nodes[index]
        self.operator = self.symbol_node.operator
        self.name = name
        self.attributes = Attributes(self.symbol_node, converter.result.file)
        self.count = len(self.symbol_node.inputs)
        self.numpy_shape = converter.symbol.numpy_shape
        self.version = converter.symbol.version or (0, 8, 0)
        self.dtypes = [converter.dtypes[entry.node] for entry in self.symbol_node.inputs]
        self.drafts: list[Draft] = []
        self._converter = converter

    def has(self, index: int) -> bool:
        """Whether there is an input at this position."""
        return index < self.count

    def input(self, index: int) -> Operand:
        """The operand at this position; a stored array becomes a ``parameter`` node."""
        if not self.has(index):
            self.refuse(f"it has {self.count} inputs and needs number {index + 1}")
        return self._converter.operand(self.symbol_node.inputs[index])

    def inputs(self) -> list[Operand]:
        return [self.input(index) for index in range(self.count)]

    def array(self, index: int) -> Array | None:
        """The stored array that feeds this position directly, if one does."""
        return self._converter.array(self.symbol_node.inputs[index]) if self.has(index) else None

    def producer(self, index: int) -> SymbolNode:
        """The symbol's node that feeds this position."""
        return self._converter.symbol.nodes[self.symbol_node.inputs[index].node]

    def arrays_of(self, node: SymbolNode) -> list[Array | None]:
        """The stored arrays that feed a node of the symbol, by position."""
        return [self._converter.array(entry) for entry in node.inputs]

    def producers_of(self, node: SymbolNode) -> list[SymbolNode]:
        """The symbol's nodes that feed a node of the symbol."""
        return [self._converter.symbol.nodes[entry.node] for entry in node.inputs]

    def consumers_of(self, node: SymbolNode) -> list[SymbolNode]:
        """The symbol's nodes that use an output of a node."""
        nodes = self._converter.symbol.nodes
        return [other for other in nodes if any(nodes[entry.node] is node for entry in other.inputs)]

    def is_output(self, node: SymbolNode) -> bool:
        """Whether an output of the node is one of the model's."""
        return any(self._converter.symbol.nodes[head.node] is node for head in self._converter.symbol.heads)

    def role(
        self,
        index: int,
        *,
        shape: Sequence[int | None] | None = None,
        axes: Sequence[int] | None = None,
        reshape: tuple[int, ...] | None = None,
    ) -> RoleDraft:
        """The tensor role that this input fills.

        ``shape`` is what the source's array must have (None: any extent); ``axes`` permutes it to the canonical layout;
        ``reshape`` gives the same elements another shape. A role that another operator computes gives a Value.
        """
        if not self.has(index):
            return None
        array = self.array(index)
        if array is None:
            variable = self.producer(index).name
            if not self.producer(index).is_variable or self._converter.is_computed(variable):
                return self._computed(index, axes, reshape)
            joined = self.matrix(variable)
            if joined is None:
                self.missing(variable)
            return joined or Absent(variable)
        if shape is not None:
            self.expect(array, shape)
        if axes is not None and tuple(axes) != tuple(range(len(axes))):
            return transpose(array, tuple(axes))
        return identity(array, reshape)

    def matrix(self, variable: str) -> Recipe | None:
        """The recurrent matrix or bias of that name, also where the checkpoint has each gate by itself."""
        return matrix(variable, self._converter.arrays)

    def expect(self, array: Array, shape: Sequence[int | None]) -> None:
        """Record a problem where the array's shape is not the one that the node needs."""
        self.expect_shape(array.name, array.shape, shape)

    def expect_shape(self, name: str, found: Sequence[int], shape: Sequence[int | None]) -> None:
        """The same for what is made of several arrays, and is called ``name``."""
        if len(shape) != len(found) or not all(w in (None, h) for w, h in zip(shape, found)):
            wanted = ", ".join("any" if extent is None else str(extent) for extent in shape)
            self._converter.result.problems.append(
                f"node {self.name!r} ({self.operator}): array {name!r} has shape {tuple(found)}, expected ({wanted})"
            )

    def node(
        self,
        kind: str,
        *inputs: Operand,
        roles: Mapping[str, RoleDraft] | None = None,
        layer: str | None = None,
        bodies: Mapping[str, Conversion] | None = None,
        **attributes: Any,
    ) -> Value:
        """Add a neutral node and give its first output; further ones are ``Value(v.node, 1)`` and so on.

        ``bodies`` are the attributes that are graphs.
        """
        operator = catalogue[kind]
        floats = {attribute.name for attribute in operator.attributes if attribute.type == "float"}
        typed = {
            name: float(value) if name in floats and value is not None else value for name, value in attributes.items()
        }
        graphs = dict.fromkeys(bodies or {}, NO_GRAPH)
        problems = list(operator.problems({**typed, **graphs}))
        if problems:
            raise NeutralError(f"rule of {self.operator}: {'; '.join(problems)}")
        name = self._converter.unique(f"{self.name}.{kind}")
        self.drafts.append(
            Draft(name, kind, list(inputs), typed, self.symbol_node, dict(roles or {}), layer, dict(bodies or {}))
        )
        return Value(name)

    def convert(self, symbol: Symbol, arrays: Mapping[str, Array], computed: Collection[str]) -> Conversion:
        """A subgraph converted by itself, given the arrays of its arguments, and those that are computed outside."""
        return self._converter.convert(symbol, arrays, computed)

    def unique(self, name: str) -> str:
        """A name that no node of the graph has yet."""
        return self._converter.unique(name)

    def opaque(self, reason: str) -> Value:
        """An output that has no exact meaning here."""
        node = self.symbol_node
        attributes = dict(node.attributes)
        return self.node("opaque", *self.inputs(), operator=node.operator, attributes=attributes, reason=reason)

    def note(self, text: str) -> None:
        """Tell the user something of the model, once however many nodes say it."""
        if text not in self._converter.result.notes:
            self._converter.result.notes.append(text)

    def missing(self, variable: str) -> None:
        """Record that an array the node needs is not in the checkpoint."""
        self._converter.missing(self, variable)

    def refuse(self, reason: str) -> NoReturn:
        """Give up on this node: it stays in the graph as opaque, with this reason."""
        raise Refusal(reason)

    def _computed(self, index: int, axes: Sequence[int] | None, reshape: tuple[int, ...] | None) -> Value:
        value = self.input(index)
        if axes is not None:
            value = self.node("transpose", value, axes=tuple(axes))
        if reshape is not None:
            self.refuse(f"input {index + 1} is computed and would have to be reshaped")
        if not isinstance(value, Value):
            self.refuse(f"input {index + 1} is a number, not a tensor")
        return value
