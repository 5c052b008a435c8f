"""A side's graph as matching sees it: layers that use tensors, and operators between them that use none.

Layers with the very same tensors are one :class:`LayerGroup`, however often and under however many names it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Iterable, Mapping

from neutral.graph import Graph, Layer, Node, Value
from neutral.matching.network import Network
from neutral.operators import catalogue


@dataclass(frozen=True)
class LayerGroup:
    """Tensors that belong together, and the layers that have just these. ``label`` is what it is and its shapes."""

    index: int
    layers: tuple[str, ...]
    kind: str
    label: tuple[object, ...]

    @property
    def name(self) -> str:
        return self.layers[0]


@dataclass(frozen=True)
class Vertex:
    """A node in execution order: an input, a use of a unit, or an operator.

    Operands are places of other steps with the number of their output; of those that are not ``flowing`` only the shape
    matters.
    """

    node: Node
    operands: tuple[tuple[int, int], ...]
    flowing: tuple[tuple[int, int], ...]
    unit: int | None = None


@dataclass(frozen=True)
class DataflowGraph:
    """Steps in execution order, those only that an output depends on; ``outputs`` are places of steps."""

    side: Network
    graph: Graph
    units: tuple[LayerGroup, ...]
    steps: tuple[Vertex, ...]
    outputs: tuple[tuple[int, int], ...]
    places: Mapping[str, int] = field(default_factory=dict)

    def uses(self) -> dict[int, list[int]]:
        """For each unit that is used the places of its uses."""
        found: dict[int, list[int]] = {}
        for place, step in enumerate(self.steps):
            if step.unit is not None:
                found.setdefault(step.unit, []).append(place)
        return found

    def only(self, outputs: Iterable[int]) -> DataflowGraph:
        """The flow of some of the outputs, by their numbers."""
        return build_dataflow(
            self.side, replace(self.graph, outputs=tuple(self.graph.outputs[index] for index in outputs))
        )


def group_layers(side: Network) -> tuple[LayerGroup, ...]:
    """The units of a side, in the order of their first layers."""
    groups: dict[object, list[Layer]] = {}
    for layer in side.layers.values():
        if layer.tensors:
            tensors = frozenset(
                (role, side.shared_tensors.get(name, name), side.layout(layer.name, role))
                for role, name in layer.tensors.items()
            )
            groups.setdefault((layer.kind, tensors), []).append(layer)
    return tuple(
        LayerGroup(index, tuple(layer.name for layer in layers), layers[0].kind, _label(layers[0], side))
        for index, layers in enumerate(groups.values())
    )


def build_dataflow(side: Network, graph: Graph) -> DataflowGraph:
    """The flow of a side that has a graph."""
    units = group_layers(side)
    of_layer = {name: unit.index for unit in units for name in unit.layers}
    needed = _needed(graph)
    steps: list[Vertex] = []
    places: dict[str, int] = {}
    for item in graph.inputs:
        if item.name in needed:
            places[item.name] = len(steps)
            steps.append(Vertex(Node(item.name, "input", (), {}), (), ()))
    for node in graph.nodes:
        if node.name in needed:
            places[node.name] = len(steps)
            operands = tuple((places[value.node], value.output) for value in operands_of(node))
            flowing = operands[: _count_flowing(node)]
            unit = of_layer.get(node.layer) if node.layer is not None else None
            steps.append(Vertex(node, operands, flowing, unit))
    outputs = tuple((places[value.node], value.output) for value in graph.outputs)
    return DataflowGraph(side, graph, units, tuple(steps), outputs, places)


def operands_of(node: Node) -> list[Value]:
    """The values that a node is applied to, those for its computed tensors last."""
    return [*(operand for operand in node.inputs if isinstance(operand, Value)), *node.computed.values()]


def _count_flowing(node: Node) -> int:
    """Return how many of a node's :func:`operands_of` matter by their values; of the others only the shape does."""
    operator = catalogue.get(node.kind)
    if operator is None or operator.shape_operands is None:
        return len(operands_of(node))
    return sum(isinstance(operand, Value) for operand in node.inputs[: operator.shape_operands])


def _needed(graph: Graph) -> set[str]:
    needed = {value.node for value in graph.outputs}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(value.node for value in operands_of(node))
    return needed


def _label(layer: Layer, side: Network) -> tuple[object, ...]:
    """Kind and shapes, but for what may differ and mean the same: a 1x1 convolution is a linear map, a bias or an
    affine part may be absent, one slope may stand for many."""
    shapes = {role: side.shape(layer.name, role) for role in layer.tensors}
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
