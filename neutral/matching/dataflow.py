"""Dataflow graph of a network: uses of layers, and operators without tensors between them.

Layers that share all of their tensors are one :class:`LayerGroup`, however often and under how many names it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Iterable, Mapping, Tuple

from neutral.graph import Graph, Layer, Node, Value
from neutral.matching.network import Network
from neutral.operators import catalogue
from neutral.rewriting import reachable

Port = Tuple[int, int]
"""An output of a vertex: the index of the vertex and the number of the output."""


@dataclass(frozen=True)
class LayerGroup:
    """Layers that share all of their tensors.

    Attributes:
        index: The number of the group in its graph.
        layers: The names of the layers.
        kind: Their kind.
        signature: Kind and shapes, up to differences without effect; groups can match where it is equal.

    Example:
        >>> LayerGroup(0, ("encoder", "decoder"), "embedding", ("embedding", ("weight", (1000, 64)))).name
        'encoder'
    """

    index: int
    layers: tuple[str, ...]
    kind: str
    signature: tuple[object, ...]

    @property
    def name(self) -> str:
        """The name of the first layer."""
        return self.layers[0]


@dataclass(frozen=True)
class Vertex:
    """A vertex of the dataflow: an input, a use of a layer group, or an operator.

    Attributes:
        node: The node of the graph; one of kind ``input`` for an input.
        operands: The ports that the vertex uses.
        data_operands: Those of them whose values matter, not only their shape.
        group: The layer group that the vertex uses, None for inputs and operators.

    Example:
        >>> Vertex(Node("y", "relu", (Value("x"),), {}), ((0, 0),), ((0, 0),)).node.kind
        'relu'
    """

    node: Node
    operands: tuple[Port, ...]
    data_operands: tuple[Port, ...]
    group: int | None = None


@dataclass(frozen=True)
class DataflowGraph:
    """Vertices that an output depends on, in execution order.

    Attributes:
        network: The network of the graph.
        graph: The graph.
        groups: The layer groups of the network.
        vertices: The vertices.
        outputs: The ports of the graph's outputs.
        indices: The index of the vertex of each node and input.

    Example:
        >>> from neutral.graph import Input
        >>> layers = {"fc": Layer("fc", "linear", {}, {"weight": "w"})}
        >>> node = Node("y", "linear", (Value("x"),), {}, "fc")
        >>> graph = build_dataflow(Network(layers, {"w": (2, 3)}), Graph((Input("x"),), (node,), (Value("y"),)))
        >>> graph.uses(), graph.indices
        ({0: [1]}, {'x': 0, 'y': 1})
    """

    network: Network
    graph: Graph
    groups: tuple[LayerGroup, ...]
    vertices: tuple[Vertex, ...]
    outputs: tuple[Port, ...]
    indices: Mapping[str, int] = field(default_factory=dict)

    def uses(self) -> dict[int, list[int]]:
        """Return the vertices of each layer group that is used.

        Returns:
            The indices of the vertices by the index of their layer group, in execution order.
        """
        uses: dict[int, list[int]] = {}
        for index, vertex in enumerate(self.vertices):
            if vertex.group is not None:
                uses.setdefault(vertex.group, []).append(index)
        return uses

    def restricted_to(self, outputs: Iterable[int]) -> DataflowGraph:
        """Return the graph of some of the outputs, by their numbers.

        Args:
            outputs: Indices into the graph's outputs, in the wanted order.

        Returns:
            A graph without the vertices that these outputs do not depend on.
        """
        kept = tuple(self.graph.outputs[number] for number in outputs)
        return build_dataflow(self.network, replace(self.graph, outputs=kept))


def group_layers(network: Network) -> tuple[LayerGroup, ...]:
    """Group the layers that share all of their tensors, in the order of their first layers.

    Args:
        network: The network; layers without tensors are in no group.

    Returns:
        The groups. Layers share all of their tensors where kind, roles, tensors and layouts are equal.

    Example:
        >>> weight = {"weight": "weight"}
        >>> layers = {name: Layer(name, "linear", {}, weight) for name in ("encoder", "decoder")}
        >>> [group.layers for group in group_layers(Network(layers, {"weight": (2, 3)}))]
        [('encoder', 'decoder')]
    """
    by_tensors: dict[object, list[Layer]] = {}
    shared = network.shared_tensors
    for layer in network.layers.values():
        if layer.tensors:
            tensors = frozenset(
                (role, shared.get(name, name), network.layout(layer.name, role)) for role, name in layer.tensors.items()
            )
            by_tensors.setdefault((layer.kind, tensors), []).append(layer)
    return tuple(
        LayerGroup(index, tuple(layer.name for layer in layers), layers[0].kind, _signature(layers[0], network))
        for index, layers in enumerate(by_tensors.values())
    )


def build_dataflow(network: Network, graph: Graph) -> DataflowGraph:
    """Build the dataflow graph of a network, without the nodes that no output depends on.

    Args:
        network: The network.
        graph: Its graph, or a part of it.

    Returns:
        The graph: the inputs that are needed, then the nodes in execution order.

    Example:
        >>> from neutral.graph import Input
        >>> nodes = (Node("y", "relu", (Value("x"),), {}), Node("unused", "exp", (Value("x"),), {}))
        >>> graph = build_dataflow(Network({}, {}), Graph((Input("x"),), nodes, (Value("y"),)))
        >>> [vertex.node.name for vertex in graph.vertices], graph.outputs
        (['x', 'y'], ((1, 0),))
    """
    groups = group_layers(network)
    group_of = {name: group.index for group in groups for name in group.layers}
    nodes, needed = reachable(graph.nodes, graph.outputs)
    vertices: list[Vertex] = []
    indices: dict[str, int] = {}
    for item in graph.inputs:
        if item.name in needed:
            indices[item.name] = len(vertices)
            vertices.append(Vertex(Node(item.name, "input", (), {}), (), ()))
    for node in nodes:
        indices[node.name] = len(vertices)
        operands = tuple((indices[value.node], value.output) for value in node.operands)
        data_operands = operands[: _count_data_operands(node)]
        group = group_of.get(node.layer) if node.layer is not None else None
        vertices.append(Vertex(node, operands, data_operands, group))
    outputs = tuple((indices[value.node], value.output) for value in graph.outputs)
    return DataflowGraph(network, graph, groups, tuple(vertices), outputs, indices)


def _count_data_operands(node: Node) -> int:
    """Return the number of a node's operands whose values matter; of those after them only the shape matters."""
    operator = catalogue.get(node.kind)
    if operator is None or operator.shape_operands is None:
        return len(node.operands)
    return sum(isinstance(operand, Value) for operand in node.inputs[: operator.shape_operands])


def _signature(layer: Layer, network: Network) -> tuple[object, ...]:
    """Return kind and shapes, up to differences that may have no effect.

    A 1x1 convolution is a linear map, a bias or an affine part may be absent, one slope may stand for many.
    """
    shapes = {role: network.shape(layer.name, role) for role in layer.tensors}
    if layer.kind in ("convolution", "linear"):
        weight = shapes.get("weight")
        return ("affine", weight and (weight[0], _size(weight[1:])))
    if layer.kind == "prelu":
        return ("prelu",)
    if layer.kind == "parameter":
        return ("parameter", tuple(extent for extent in shapes["value"] if extent != 1))
    if layer.kind.endswith("_norm"):
        return (layer.kind, _size(next(iter(shapes.values()))))
    return (layer.kind, *sorted((role, shape) for role, shape in shapes.items() if not role.startswith("bias")))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size
