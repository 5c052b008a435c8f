"""The model as data: what the layers are, and how values flow between operators.

Everything here is frozen and knows no framework. What an operator means, and which attributes and tensor roles
it has, is in the catalogue (:mod:`neutral.operators`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Iterator, Mapping, NamedTuple, Union


@dataclass(frozen=True)
class Value:
    """An output of a node, or a graph input (whose only output is 0)."""

    node: str
    output: int = 0


Operand = Union[Value, float, int, bool, None]
"""What an operator is applied to: a value, a literal number, or nothing where an input is optional."""


@dataclass(frozen=True)
class Input:
    """What the model is called with. A ``None`` in the shape is a free dimension; ``shape`` None: unknown rank."""

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Node:
    """One operator applied to operands.

    ``layer`` names the layer that holds its tensors. ``computed`` gives the roles that are not stored tensors but
    values of the graph: a convolution whose weight another operator makes.
    """

    name: str
    kind: str
    inputs: tuple[Operand, ...]
    attributes: Mapping[str, Any]
    layer: str | None = None
    computed: Mapping[str, Value] = field(default_factory=dict)

    @property
    def operands(self) -> tuple[Value, ...]:
        """The values that the node uses: its inputs in order, literals left out, then the computed roles."""
        return (*(operand for operand in self.inputs if isinstance(operand, Value)), *self.computed.values())


@dataclass(frozen=True)
class Graph:
    """Nodes in execution order: an operand is always an input of the graph or an output of an earlier node."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]

    def layers(self) -> Iterator[str]:
        """The names of the layers that nodes use, here and in graphs within attributes; as often as they are used."""
        for node in self.nodes:
            if node.layer is not None:
                yield node.layer
            for value in node.attributes.values():
                for inner in value if isinstance(value, tuple) else (value,):
                    if isinstance(inner, Graph):
                        yield from inner.layers()


class Origin(NamedTuple):
    """Where a role's tensor comes from: the source's own array names, and the rule that made it canonical.

    The rules are those of ``docs/format.md``: ``identity``, ``transpose``, ``slice``, ``concatenate``, ``ones``,
    ``repeat``, ``dense`` and so on.
    """

    arrays: tuple[str, ...]
    rule: str = "identity"


class LayerSource(NamedTuple):
    """What the source calls the layer: its node and operator (None without a graph), and each role's origin."""

    node: str | None = None
    operator: str | None = None
    origins: Mapping[str, Origin] = MappingProxyType({})


class Layer(NamedTuple):
    """A group of tensors that one operator uses.

    ``tensors`` maps a role (``weight``, ``running_mean``, ``weight_ih_l0``) to a tensor's key in the store.
    ``typed_by`` says how the kind is known: ``graph``, ``names`` or ``user``. By ``graph`` every attribute of the
    kind is present; by ``names`` only those that shapes give away.
    """

    name: str
    kind: str
    attributes: Mapping[str, Any]
    tensors: Mapping[str, str]
    source: LayerSource = LayerSource()
    typed_by: str = "graph"
