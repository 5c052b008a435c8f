"""What the operators after a value say about it: its rank, and the inputs' shapes."""

from __future__ import annotations

from typing import Mapping

from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.operators import catalogue
from neutral.tensor import Tensor
from neutral_to_torch.emission.lowering.rules import rank_rule_of

WINDOWS = (
    "convolution", "transposed_convolution", "deformable_convolution", "max_pool", "average_pool", "sum_pool",
)  # fmt: skip
"""Kinds with a kernel_size: their input has a batch axis, a channel axis and one for each extent."""


def wanted_ranks(graph: Graph) -> dict[Value, int]:
    """The rank that what follows asks of a value, where it does."""
    wanted: dict[Value, int] = {}
    for node in reversed(graph.nodes):
        rank = len(node.attributes["kernel_size"]) + 2 if node.kind in WINDOWS else None
        if rank is None and _keeps_rank(node):
            rank = wanted.get(Value(node.name))
        if rank is not None and node.inputs and isinstance(node.inputs[0], Value):
            wanted.setdefault(node.inputs[0], rank)
    return wanted


def infer_input_shapes(graph: Graph, layers: Mapping[str, Layer], tensors: Mapping[str, Tensor]) -> tuple[Input, ...]:
    """The graph's inputs, those without a shape with what the layers after them say about it."""
    ranks = wanted_ranks(graph)
    channels: dict[Value, int] = {}
    for node in reversed(graph.nodes):
        count = _channels(node, layers, tensors)
        if count is None and _keeps_rank(node):
            count = channels.get(Value(node.name))
        if count is not None and node.inputs and isinstance(node.inputs[0], Value):
            channels.setdefault(node.inputs[0], count)
    return tuple(
        item
        if item.shape is not None or Value(item.name) not in ranks
        else Input(item.name, _shape(ranks[Value(item.name)], channels.get(Value(item.name))), item.dtype)
        for item in graph.inputs
    )


def _shape(rank: int, channels: int | None) -> tuple[int | None, ...]:
    return (None, channels, *[None] * (rank - 2))


def _keeps_rank(node: Node) -> bool:
    operator = catalogue.get(node.kind)
    return (operator is not None and operator.keeps_shape) or rank_rule_of(node.kind) == "same"


def _channels(node: Node, layers: Mapping[str, Layer], tensors: Mapping[str, Tensor]) -> int | None:
    """The channels that a convolution or a normalisation over axis 1 takes."""
    layer = layers.get(node.layer) if node.layer is not None else None
    key = layer.tensors.get("weight") if layer is not None else None
    if key is None or key not in tensors:
        return None
    shape = tensors[key].shape
    if node.kind == "convolution" and node.attributes["layout"] == "channels_first":
        return shape[1] * int(node.attributes["groups"])
    if node.kind == "batch_norm" and node.attributes["axis"] == 1:
        return shape[0]
    return None
