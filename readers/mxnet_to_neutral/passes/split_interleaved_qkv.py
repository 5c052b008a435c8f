"""Split self-attention over interleaved query, key and value weights into three linear layers.

GluonNLP's ``DotProductSelfAttentionCell`` stores query, key and value projections as three layers, and interleaves
their weights per head in every run, as MXNet's attention operators require. This pass restores the three layers and
uses the catalogue's attention over separate projections.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.drafts import Conversion, Draft
from mxnet_to_neutral.layers.canonical import Recipe
from mxnet_to_neutral.layers.names import layer_of
from mxnet_to_neutral.passes.patterns import DraftGraph, producer, use_def
from neutral.graph import Operand, Value


def split_interleaved_qkv(conversion: Conversion) -> Conversion:
    """Replace self-attention over an interleaved projection by linear layers and attention over their outputs.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    graph = use_def(conversion)
    for draft in list(conversion.drafts):
        weight, bias = draft.roles.get("weight"), draft.roles.get("bias")
        if draft.kind == "linear" and isinstance(weight, Value) and isinstance(bias, Value):
            weights, biases = _interleaved_weights(graph, weight), _interleaved_biases(graph, bias)
            users = graph.users.get(Value(draft.name), [])
            if weights and biases and _is_self_attention(graph, draft, users):
                heads = _heads(weights) | _heads(biases)
                if heads == {user.attributes["heads"] for user in users}:
                    _split(conversion, graph, draft, users, weights, biases)
                    graph = use_def(conversion)
    return conversion


def _is_self_attention(graph: DraftGraph, projection: Draft, users: Sequence[Draft]) -> bool:
    """Return whether one scores and one values operator use the projection, and nothing else."""
    if projection.attributes["flatten"] or Value(projection.name) in graph.outputs:
        return False
    return sorted(user.kind for user in users) == ["self_attention_scores", "self_attention_values"]


def _interleaved_weights(graph: DraftGraph, weight: Value) -> list[Draft]:
    """Return the reshapes of three parameters to (heads, size, in) whose concatenation is reshaped to (-1, in)."""
    flat = producer(graph, weight, "reshape")
    if flat is None or flat.attributes != {"shape": (-1, 0), "from_end": True}:
        return []
    joined = producer(graph, flat.inputs[0], "concatenate")
    if joined is None or joined.attributes["axis"] != -2:
        return []
    return _reshaped_parameters(graph, joined.inputs, (-1, 0), from_end=True)


def _interleaved_biases(graph: DraftGraph, bias: Value) -> list[Draft]:
    """Return the reshapes of three parameters to (heads, size) whose stack is reshaped to (-1,)."""
    flat = producer(graph, bias, "reshape")
    if flat is None or flat.attributes["shape"] != (-1,):
        return []
    joined = producer(graph, flat.inputs[0], "stack")
    if joined is None or joined.attributes["axis"] != 1:
        return []
    return _reshaped_parameters(graph, joined.inputs, (-1,), from_end=False)


def _reshaped_parameters(
    graph: DraftGraph, operands: Sequence[Operand], shape_tail: tuple[int, ...], from_end: bool
) -> list[Draft]:
    """Return the three reshapes of parameters to (heads, *shape_tail) that the operands are, or an empty list."""
    reshapes = [producer(graph, operand, "reshape") for operand in operands]
    matches = [
        reshape
        for reshape in reshapes
        if reshape is not None
        and producer(graph, reshape.inputs[0], "parameter")
        and reshape.attributes["shape"][1:] == shape_tail
        and reshape.attributes["from_end"] == from_end
    ]
    return matches if len(matches) == len(operands) == 3 else []


def _heads(reshapes: Sequence[Draft]) -> set[int]:
    return {reshape.attributes["shape"][0] for reshape in reshapes}


def _split(
    conversion: Conversion,
    graph: DraftGraph,
    projection: Draft,
    users: Sequence[Draft],
    weights: Sequence[Draft],
    biases: Sequence[Draft],
) -> None:
    layers = []
    for name, weight_reshape, bias_reshape in zip(("query", "key", "value"), weights, biases):
        weight, bias = _parameter(graph, weight_reshape), _parameter(graph, bias_reshape)
        layers.append(
            Draft(
                f"{projection.name}.{name}",
                "linear",
                projection.inputs[:1],
                {"out_features": weight.tensor.shape[0], "flatten": False},
                projection.origin,
                {"weight": weight, "bias": bias},
                layer_of(weight.arrays[0].name),
            )
        )
    query, key, value = (Value(layer.name) for layer in layers)
    attention = []
    for user in users:
        operands: list[Operand] = [query, key] if user.kind == "self_attention_scores" else [value, user.inputs[1]]
        kind = user.kind[len("self_") :]
        attention.append(Draft(user.name, kind, operands, user.attributes, user.origin))
    conversion.replace([*layers, *attention], {projection.name, *(user.name for user in users)}, {})


def _parameter(graph: DraftGraph, reshape: Draft) -> Recipe:
    """Return the stored tensor that is reshaped."""
    parameter = producer(graph, reshape.inputs[0], "parameter")
    assert parameter is not None
    recipe = parameter.roles["value"]
    assert isinstance(recipe, Recipe)
    return recipe
