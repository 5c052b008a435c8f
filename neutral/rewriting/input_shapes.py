"""Infer ranks and sizes of values backwards from the layers that use them, and so the shapes of a graph's inputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Mapping

from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.operators import catalogue
from neutral.operators.ranks import RankContext, RankRule, output_ranks
from neutral.tensor import Tensor

RankRules = Callable[[str], RankRule]
"""A function that returns the rank rule of a kind."""


def catalogue_rank_rule(kind: str) -> RankRule:
    """Return the rank rule that the catalogue states for a kind.

    Args:
        kind: The name of a kind; None is returned for one that is not in the catalogue.

    Returns:
        The rule, or None.
    """
    operator = catalogue.get(kind)
    return None if operator is None else operator.rank_rule


@dataclass(frozen=True)
class Demand:
    """The shape that the users of a value demand.

    Attributes:
        rank: The number of axes; None where any number will do.
        sizes: The sizes of single axes; negative axes count from the end.
        features: For an axis of samples the product of the sizes of all other axes, as a layer that flattens them
            demands it.
    """

    rank: int | None = None
    sizes: Mapping[int, int] = field(default_factory=dict)
    features: tuple[int, int] | None = None

    def shape(self) -> tuple[int | None, ...] | None:
        """Return the sizes of all axes, None for free ones; None where the rank is unknown.

        Returns:
            A size by axis; () for a scalar.
        """
        if not self.rank:
            return None if self.rank is None else ()
        sizes = {axis % self.rank: size for axis, size in self.sizes.items()}
        return tuple(sizes.get(axis) for axis in range(self.rank))


def wanted_ranks(graph: Graph, rank_rule: RankRules = catalogue_rank_rule) -> dict[Value, int]:
    """Return the ranks of values that the operators after them demand.

    Args:
        graph: The graph.
        rank_rule: The rank rules of the kinds.

    Returns:
        The number of axes by value, only of those with a demand.
    """
    demands = _demands(graph, {}, {}, rank_rule)
    return {value: demand.rank for value, demand in demands.items() if demand.rank is not None}


def values_of_samples(
    graph: Graph,
    layers: Mapping[str, Layer],
    tensors: Mapping[str, Tensor],
    rank_rule: RankRules = catalogue_rank_rule,
) -> frozenset[Value]:
    """Return values that cannot be vectors, since layers after them demand several features of a sample.

    Args:
        graph: The graph.
        layers: The store's layers by name.
        tensors: The store's tensors by key; only their shapes are used.
        rank_rule: The rank rules of the kinds.

    Returns:
        The values; their rank may be unknown nevertheless.
    """
    demands = _demands(graph, layers, tensors, rank_rule).items()
    return frozenset(value for value, demand in demands if demand.features and demand.features[1] != 1)


def infer_input_shapes(
    graph: Graph,
    layers: Mapping[str, Layer],
    tensors: Mapping[str, Tensor],
    rank_rule: RankRules = catalogue_rank_rule,
) -> tuple[Input, ...]:
    """Return the graph's inputs, those without a shape with the one that the layers after them demand.

    Args:
        graph: The graph; shapes that it states are kept.
        layers: The store's layers by name.
        tensors: The store's tensors by key; only their shapes are used.
        rank_rule: The rank rules of the kinds.

    Returns:
        The inputs in the graph's order; an input on which nothing is demanded has no shape.
    """
    demands = _demands(graph, layers, tensors, rank_rule)
    return tuple(
        item if item.shape is not None else replace(item, shape=demands.get(Value(item.name), Demand()).shape())
        for item in graph.inputs
    )


def _demands(
    graph: Graph, layers: Mapping[str, Layer], tensors: Mapping[str, Tensor], rank_rule: RankRules
) -> dict[Value, Demand]:
    demands: dict[Value, Demand] = {}
    for node in reversed(graph.nodes):
        if not node.inputs or not isinstance(node.inputs[0], Value):
            continue
        layer = layers.get(node.layer) if node.layer is not None else None
        shapes = {role: tensors[key].shape for role, key in layer.tensors.items() if key in tensors} if layer else {}
        own = _own_demand(node, shapes)
        passed = _passed_demand(node, demands.get(Value(node.name), Demand()), rank_rule)
        known = demands.get(node.inputs[0], Demand())
        rank = next((d.rank for d in (own, passed, known) if d.rank is not None), None)
        features = own.features or passed.features or known.features
        demands[node.inputs[0]] = Demand(rank, {**known.sizes, **passed.sizes, **own.sizes}, features)
    return demands


def _own_demand(node: Node, shapes: Mapping[str, tuple[int, ...]]) -> Demand:
    """Return the demand of the node itself on its first operand, given the shapes of its stored roles."""
    operator = catalogue.get(node.kind)
    if operator is None:
        return Demand()
    rank = output_ranks(operator.operand_rank, RankContext(node.attributes))[0]
    weight = shapes.get("weight", ())
    flattens = node.kind == "linear" and node.attributes["flatten"] and len(weight) == 2
    return Demand(rank, _own_sizes(node, operator.family, shapes), (0, weight[1]) if flattens else None)


def _own_sizes(node: Node, family: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[int, int]:
    """Return the sizes of axes of the first operand that the shapes of the stored roles imply."""
    attributes, weight = node.attributes, shapes.get("weight")
    if family == "recurrent":
        features = shapes.get("weight_ih_l0", shapes.get("weight_ih"))
        return {-1: features[1]} if features is not None and len(features) == 2 else {}
    if weight is None:
        return {}
    if node.kind in ("convolution", "transposed_convolution") and len(weight) >= 2:
        axis = 1 if attributes["layout"] == "channels_first" else len(attributes["kernel_size"]) + 1
        return {axis: weight[0] if node.kind[0] == "t" else weight[1] * attributes["groups"]}
    if node.kind in ("batch_norm", "layer_norm") and weight:
        return {attributes["axis"]: weight[0]}
    if node.kind in ("instance_norm", "group_norm") and weight:
        return {1: weight[0]}
    if node.kind == "linear" and len(weight) >= 2 and not attributes["flatten"]:
        return {-1: weight[1]}
    return {}


def _passed_demand(node: Node, output: Demand, rank_rule: RankRules) -> Demand:
    """Return the demand on the node's first operand that follows from the one on its output."""
    operator = catalogue.get(node.kind)
    if node.kind == "transpose" and node.attributes["axes"]:
        axes = [axis % len(node.attributes["axes"]) for axis in node.attributes["axes"]]
        return _moved(Demand(len(axes), output.sizes, output.features), dict(enumerate(axes)))
    if node.kind == "swap_axes":
        first, second = node.attributes["axis"], node.attributes["other_axis"]
        if min(first, second, *output.sizes) < 0 and output.rank is None:
            return Demand()
        first, second = (axis % output.rank if output.rank else axis for axis in (first, second))
        return _moved(output, {first: second, second: first})
    if node.kind == "flatten":
        features = output.sizes.get(1, output.sizes.get(-1))
        return Demand(None, {}, output.features if features is None else (0, features))
    if node.kind in ("lstm", "gru", "rnn"):
        return Demand(3, _steps(node, output))
    if operator is not None and (operator.keeps_shape or (operator.elementwise and len(node.operands) == 1)):
        return output
    if "kernel_size" in node.attributes and node.kind.endswith("_pool"):
        axis = 1 if node.attributes["layout"] == "channels_first" else -1
        return Demand(None, {axis: output.sizes[axis]} if axis in output.sizes else {})
    return Demand(output.rank) if rank_rule(node.kind) == "same" else Demand()


def _moved(output: Demand, axes: Mapping[int, int]) -> Demand:
    """Return a demand with each axis replaced by the one that it was before axes were moved."""
    rank = output.rank or 0
    known = {
        axis % rank if rank else axis: size for axis, size in output.sizes.items() if not rank or -rank <= axis < rank
    }
    sizes = {axes.get(axis, axis): size for axis, size in known.items()}
    features = output.features and (axes.get(output.features[0], output.features[0]), output.features[1])
    return Demand(output.rank, sizes, features)


def _steps(node: Node, output: Demand) -> dict[int, int]:
    """Return the number of steps of a recurrent layer, where its outputs of all steps are the features of a sample."""
    steps = {axis: size for axis, size in output.sizes.items() if axis in (0, 1)}
    state = node.attributes.get("projection_size") or node.attributes["hidden_size"]
    directions = 1 + node.attributes["bidirectional"]
    axis, features = output.features or (0, 0)
    if axis == 1 and features % (state * directions) == 0:
        steps[0] = features // (state * directions)
    return steps
