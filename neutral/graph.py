"""The model as data: layers, and a dataflow graph of operators.

All classes are immutable and independent of any framework. The catalogue (:mod:`neutral.operators`) defines the
computation of each operator, its attributes and its tensor roles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Iterator, Mapping, NamedTuple, Union


@dataclass(frozen=True)
class Value:
    """An output of a node, or an input of the graph.

    Attributes:
        node: The name of the node or of the input.
        output: The number of the output, from 0; an input has one.
    """

    node: str
    output: int = 0


Operand = Union[Value, float, int, bool, None]
"""An operand of an operator: a value, a literal number, or None for an optional operand that is not given."""


@dataclass(frozen=True)
class Input:
    """An input of the model.

    Attributes:
        name: The name, unique among the inputs and nodes of the graph.
        shape: The dimensions; a None among them is free, None alone means that the rank is unknown.
        dtype: A dtype name such as ``float32``; None: unknown.
        floating: Whether the graph is right for floating-point values only, although the dtype is unknown: the source
            computes integers in another way.
    """

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    floating: bool = False


@dataclass(frozen=True)
class Node:
    """One operator applied to operands.

    Attributes:
        name: The name, unique among the inputs and nodes of the graph.
        kind: The kind of operator in the catalogue.
        inputs: The operands in the order of the kind's inputs.
        attributes: Values by name: all attributes of the kind, defaults included.
        layer: The name of the layer that holds the tensors; None for an operator without tensors.
        computed: Values by role, for roles that the graph computes instead of the layer storing them, such as a
            convolution's weight that another node makes.
    """

    name: str
    kind: str
    inputs: tuple[Operand, ...]
    attributes: Mapping[str, Any]
    layer: str | None = None
    computed: Mapping[str, Value] = field(default_factory=dict)

    @property
    def operands(self) -> tuple[Value, ...]:
        """The values that the node uses: its inputs in order without literals, then its computed roles.

        Example:
            >>> Node("sum", "add", (Value("x"), 1.5), {}).operands
            (Value(node='x', output=0),)
        """
        return (*(operand for operand in self.inputs if isinstance(operand, Value)), *self.computed.values())

    @property
    def subgraphs(self) -> tuple[Graph, ...]:
        """The graphs among the attributes: bodies of loops and branches of conditionals."""
        return tuple(value for value in self.attributes.values() if isinstance(value, Graph))


@dataclass(frozen=True)
class Graph:
    """A dataflow graph.

    Attributes:
        inputs: The inputs in the order of the model's arguments.
        nodes: The nodes in execution order: an operand is an input of the graph or an output of an earlier node.
        outputs: The outputs in order.
    """

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]

    def __repr__(self) -> str:
        """Return the counts, and a digest of the content: graphs that differ have texts that differ, also in keys."""
        from hashlib import sha256

        digest = sha256(repr((self.inputs, self.nodes, self.outputs)).encode("utf-8", "surrogatepass")).hexdigest()
        return f"<Graph {digest[:16]}: {self._counts()}>"

    def _counts(self) -> str:
        return f"{len(self.inputs)} inputs, {len(self.nodes)} nodes, {len(self.outputs)} outputs"

    def _repr_html_(self) -> str:
        from neutral.notebook import html_table

        rows = (
            (node.name, node.kind, ", ".join(value.node for value in node.operands), node.layer or "")
            for node in self.nodes
        )
        return html_table(f"Graph: {self._counts()}", ("node", "kind", "operands", "layer"), rows, len(self.nodes))

    def layer_names(self) -> Iterator[str]:
        """Yield the name of every layer that a node uses, in subgraphs too; once for each use.

        Returns:
            An iterator over the names.

        Example:
            >>> list(Graph((), (Node("fc_fwd", "linear", (Value("x"),), {}, "fc"),), ()).layer_names())
            ['fc']
        """
        for node in self.nodes:
            if node.layer is not None:
                yield node.layer
            for subgraph in node.subgraphs:
                yield from subgraph.layer_names()


class Origin(NamedTuple):
    """The source arrays of a role's tensor.

    Attributes:
        arrays: The names of the arrays in the source.
        rule: The rule that made the canonical tensor, of those in ``docs/format.md``: ``identity``, ``transpose``,
            ``slice``, ``concatenate``, ``ones``, ``repeat``, ``dense`` and so on.
    """

    arrays: tuple[str, ...]
    rule: str = "identity"


class LayerSource(NamedTuple):
    """A layer's identity in the source.

    Attributes:
        node: The name of the node in the source's graph; None without a graph.
        operator: The name of the source's operator; None without a graph.
        origins: The origin of each role's tensor.
    """

    node: str | None = None
    operator: str | None = None
    origins: Mapping[str, Origin] = MappingProxyType({})


class Layer(NamedTuple):
    """The tensors that one operator uses, with its attributes.

    Attributes:
        name: The name, unique in the store.
        kind: The kind of operator in the catalogue.
        attributes: Values by name. If typed by ``graph``, all attributes of the kind; if by ``names``, only those that
            the shapes determine.
        tensors: The key of the tensor in the store for each role (``weight``, ``running_mean``, ``weight_ih_l0``).
        source: The layer's identity in the source.
        typed_by: How the kind is known: from the source's ``graph``, from ``names`` and shapes, or from the ``user``.
    """

    name: str
    kind: str
    attributes: Mapping[str, Any]
    tensors: Mapping[str, str]
    source: LayerSource = LayerSource()
    typed_by: str = "graph"

    def __repr__(self) -> str:
        return f"<Layer {self.name}: {self.kind}, {', '.join(self.tensors) or 'no tensors'}>"

    def _repr_html_(self) -> str:
        from neutral.notebook import html_table

        rows = [*self.tensors.items(), *((name, str(value)) for name, value in self.attributes.items())]
        return html_table(f"Layer {self.name}: {self.kind}", ("role or attribute", "tensor or value"), rows, len(rows))
