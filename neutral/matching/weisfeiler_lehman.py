"""Weisfeiler-Lehman refinement of dataflow graphs: layers with one label cannot be told apart by their surroundings.

The refinement is directed: a label from the inputs on, one from the outputs back, and both again with the labels of the
round before. Labels of two graphs can be compared if one :class:`WeisfeilerLehman` gave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import FrozenSet, Hashable, Mapping, NamedTuple

from neutral.matching.dataflow import DataflowGraph, LayerGroup, Vertex
from neutral.operators import catalogue

ORDERED = frozenset(("concatenate", "stack", "matmul", "subtract", "divide", "where", "tensordot", "power"))
"""Kinds that frameworks spell alike and for which the order of the operands matters."""

POOLS = {
    **dict.fromkeys(("average_pool", "global_average_pool", "adaptive_average_pool", "mean"), "average"),
    **dict.fromkeys(("max_pool", "global_max_pool", "adaptive_max_pool", "reduce_max"), "max"),
    **dict.fromkeys(("sum_pool", "global_sum_pool", "sum"), "sum"),
}
"""Kinds with which frameworks spell the same reduction."""

SIGNIFICANT_ATTRIBUTES = ("stride", "padding", "dilation", "groups", "output_padding", "bidirectional", "num_layers")
"""Attributes that tell layers of equal shapes apart, and that frameworks spell alike."""


@dataclass(frozen=True)
class Level:
    """The properties on which labels depend.

    Attributes:
        name: Text for the detail of a match.
        attributes: The attributes of layers and the positions of inputs and outputs.
        operators: The operators between layers.
        order: The order of operands.
        norms: The normalizations between other layers; without them, labels pass through normalizations.

    Example:
        >>> [level.name for level in LEVELS if level.order]
        ['attributes, operators and order', 'operators and order', 'order of operands']
    """

    name: str
    attributes: bool = False
    operators: bool = False
    order: bool = False
    norms: bool = True


LEVELS = (
    Level("attributes, operators and order", attributes=True, operators=True, order=True),
    Level("operators and order", operators=True, order=True),
    Level("order of operands", order=True),
    Level("dependencies"),
    Level("dependencies, without normalizations", norms=False),
)
"""From strict to loose."""


class Labels(NamedTuple):
    """The labels of a layer group: by its surroundings in both directions, and in each of them.

    Attributes:
        both: By the surroundings in both directions.
        forward: By the nodes that it depends on, back to the inputs.
        backward: By the nodes that depend on it, up to the outputs.
    """

    both: int
    forward: int
    backward: int


Sources = FrozenSet[int]
"""The labels of the layers and inputs from which a value is computed."""


class WeisfeilerLehman:
    """Labels for the layer groups of several graphs, equal for equal surroundings.

    Example:
        >>> from neutral.graph import Graph, Input, Layer, Node, Value
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> def graph(layer):
        ...     network = Network({layer: Layer(layer, "linear", {}, {"weight": "w"})}, {"w": (2, 3)})
        ...     node = Node("y", "linear", (Value("x"),), {}, layer)
        ...     return build_dataflow(network, Graph((Input("x"),), (node,), (Value("y"),)))
        >>> stored, module = WeisfeilerLehman().refine((graph("fc1"), graph("head")), LEVELS[0], ({}, {}))
        >>> stored == module
        True
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def refine(
        self,
        graphs: tuple[DataflowGraph, DataflowGraph],
        level: Level,
        pairs: tuple[Mapping[int, int], Mapping[int, int]],
    ) -> list[dict[int, Labels]]:
        """Label the used layer groups of both graphs, until another round tells no more of them apart.

        Args:
            graphs: Both graphs.
            level: The properties on which labels depend.
            pairs: For each graph the number of the pair that a layer group belongs to. Labels do not depend on
                anything behind a paired group.

        Returns:
            For each graph the labels by layer group.
        """
        previous: list[dict[int, int]] = [{}, {}]
        labels: list[dict[int, Labels]] = []
        count = 0
        while True:
            refined = [self._round(*item) for item in zip(graphs, (level, level), pairs, previous)]
            distinct = len({label.both for label in refined[0].values()})
            if labels and distinct == count:
                return labels
            labels, count = refined, distinct
            if count == len(labels[0]):
                return labels
            previous = [{group: label.both for group, label in side.items()} for side in labels]

    def label_outputs(self, graph: DataflowGraph, level: Level) -> list[int]:
        """Return a label for each output of a graph, by the layers and inputs from which it is computed.

        Args:
            graph: The stored graph or the module's.
            level: How much of a layer the labels distinguish.

        Returns:
            A label for each output, in order; equal labels for outputs of the same surroundings on either side.
        """
        own = [self._own_label(graph, vertex, level, {}) for vertex in graph.vertices]
        sources = self._label_forward(graph, level, own, [None] * len(own))[1]
        return [self._number(sources[index]) for index, _ in graph.outputs]

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _round(
        self, graph: DataflowGraph, level: Level, pairs: Mapping[int, int], previous: Mapping[int, int]
    ) -> dict[int, Labels]:
        own = [self._own_label(graph, vertex, level, previous) for vertex in graph.vertices]
        paired = [None if vertex.group is None else pairs.get(vertex.group) for vertex in graph.vertices]
        forward = self._label_forward(graph, level, own, paired)[0]
        backward = self._label_backward(graph, level, own, paired)
        labels = {}
        for group, uses in graph.uses().items():
            both = sorted(self._number((own[i], forward[i], backward[i])) for i in uses)
            one_way = [sorted(self._number((own[i], way[i])) for i in uses) for way in (forward, backward)]
            labels[group] = Labels(
                self._number(tuple(both)), self._number(("f", *one_way[0])), self._number(("b", *one_way[1]))
            )
        return labels

    def _own_label(self, graph: DataflowGraph, vertex: Vertex, level: Level, previous: Mapping[int, int]) -> int | None:
        """Return the label of a vertex without its surroundings, None where labels pass through it."""
        if vertex.group is not None:
            group = graph.groups[vertex.group]
            details = _details(graph, group) if level.attributes else ()
            return self._number(("layer", group.signature, details, previous.get(vertex.group)))
        kind = vertex.node.kind
        if kind == "input":
            index = graph.indices[vertex.node.name]
            return self._number(("input", index if level.attributes else None))
        has_many = len(set(vertex.data_operands)) > 1
        if _only_moves_elements(kind) or not vertex.data_operands:
            return None
        if level.order and kind in ORDERED and has_many:
            return self._number(("operator", kind))
        if level.operators and (kind not in ORDERED or has_many):
            operator = catalogue.get(kind)
            if operator is not None and operator.commutative and not has_many:
                return None
            return self._number(("operator", POOLS.get(kind, kind)))
        return None

    def _label_forward(
        self, graph: DataflowGraph, level: Level, own: list[int | None], paired: list[int | None]
    ) -> tuple[list[int], list[Sources]]:
        """Return for each vertex the label of its operands, and the labels that its users see."""
        labels: list[int] = []
        visible: list[Sources] = []
        for vertex, label, pair in zip(graph.vertices, own, paired):
            operands = [
                visible[index] if not output or label is None else frozenset((self._number((visible[index], output)),))
                for index, output in vertex.data_operands
            ]
            numbers = [self._number(operand) for operand in operands if operand]
            is_ordered = level.order and _is_ordered(vertex)
            labels.append(self._number(tuple(numbers if is_ordered else sorted(set(numbers)))))
            if _is_transparent(graph, vertex, label, level):
                visible.append(_union(operands))
            elif pair is not None:
                visible.append(frozenset((self._number(("pair", pair)),)))
            else:
                visible.append(frozenset((self._number((label, labels[-1])),)))
        return labels, visible

    def _label_backward(
        self, graph: DataflowGraph, level: Level, own: list[int | None], paired: list[int | None]
    ) -> list[int]:
        """Return for each vertex the label of its users."""
        users: list[set[int]] = [set() for _ in graph.vertices]
        for position, (index, _) in enumerate(graph.outputs):
            users[index].add(self._number(("output", position if level.attributes else None)))
        labels = [0] * len(graph.vertices)
        for index in range(len(graph.vertices) - 1, -1, -1):
            vertex, label, pair = graph.vertices[index], own[index], paired[index]
            labels[index] = self._number(frozenset(users[index]))
            is_transparent = _is_transparent(graph, vertex, label, level)
            is_ordered = level.order and _is_ordered(vertex)
            for position, (operand, _) in enumerate(vertex.data_operands):
                if is_transparent:
                    users[operand] |= users[index]
                else:
                    user = ("pair", pair) if pair is not None else (label, labels[index])
                    users[operand].add(self._number(("use", position if is_ordered else 0, user)))
        return labels


@lru_cache(maxsize=None)
def _only_moves_elements(kind: str) -> bool:
    """Return whether a kind computes nothing: such kinds are spelled in so many ways that no label depends on them."""
    operator = catalogue.get(kind)
    return operator is not None and (operator.layout_only or operator.dtype_only or operator.inference_identity)


def _is_ordered(vertex: Vertex) -> bool:
    return vertex.node.kind in ORDERED or vertex.group is not None


def _is_transparent(graph: DataflowGraph, vertex: Vertex, label: int | None, level: Level) -> bool:
    """Return whether labels pass through a vertex."""
    if label is None:
        return True
    if vertex.group is None or level.norms:
        return False
    kind = graph.groups[vertex.group].kind
    return kind.endswith("_norm") or kind == "prelu"


def _union(sources: list[Sources]) -> Sources:
    return sources[0] if len(sources) == 1 else frozenset().union(*sources)


def _details(graph: DataflowGraph, group: LayerGroup) -> tuple[object, ...]:
    """Return shapes and attributes that tell layers apart, without those that are often written in two ways."""
    layer = graph.network.layers[group.name]
    shape = graph.network.shape(group.name, "weight") if "weight" in layer.tensors else ()
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    values = {name: layer.attributes[name] for name in SIGNIFICANT_ATTRIBUTES if name in layer.attributes}
    are_default = all(_is_default(name, value) for name, value in values.items())
    return (layer.kind == "prelu" or shape, () if are_default else tuple(sorted(values.items())))


def _is_default(name: str, value: object) -> bool:
    """Return whether a convolution's attribute has the value with which a 1x1 convolution is a linear map."""
    default = 0 if name in ("padding", "output_padding") else 1
    return all(item == default for item in value) if isinstance(value, tuple) else value == default
