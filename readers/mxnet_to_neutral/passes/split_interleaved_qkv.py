"""Projections whose weights a symbol weaves together for interleaved attention, taken apart again.

GluonNLP's ``DotProductSelfAttentionCell`` keeps query, key and value as three layers, and joins their weights head by
head in every run, since MXNet's attention wants them so. Here they become three linear layers, and attention over
separate projections.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Conversion, Draft
from mxnet_to_neutral.layers.canonical import Recipe
from mxnet_to_neutral.layers.names import stem_of
from mxnet_to_neutral.passes.dataflow import Flow
from neutral.graph import Operand, Value


def unweave(conversion: Conversion) -> None:
    """Replace self-attention over woven projections by linear layers and attention over these."""
    for draft in list(conversion.drafts):
        weight, bias = draft.roles.get("weight"), draft.roles.get("bias")
        if draft.kind == "linear" and isinstance(weight, Value) and isinstance(bias, Value):
            flow = Flow(conversion)
            weights, biases = _woven_weight(flow, weight), _woven_bias(flow, bias)
            users = flow.users.get(Value(draft.name), [])
            kinds = sorted(user.kind for user in users)
            whole = not draft.attributes["flatten"] and Value(draft.name) not in flow.outputs
            if weights and biases and whole and kinds == ["self_attention_scores", "self_attention_values"]:
                heads = _heads(weights) | _heads(biases)
                if heads == {user.attributes["heads"] for user in users}:
                    _replace(flow, draft, users, weights, biases)


def _woven_weight(flow: Flow, woven: Value) -> list[Draft]:
    """The three reshaped parameters of (-1, in) of a concatenation of (heads, size, in)."""
    flat = flow.made(woven, "reshape")
    if flat is None or flat.attributes != {"shape": (-1, 0), "from_end": True}:
        return []
    joined = flow.made(flat.inputs[0], "concatenate")
    return [] if joined is None or joined.attributes["axis"] != -2 else _parts(flow, joined.inputs, (-1, 0), True)


def _woven_bias(flow: Flow, woven: Value) -> list[Draft]:
    """The three reshaped parameters of (-1,) of a stack of (heads, size)."""
    flat = flow.made(woven, "reshape")
    if flat is None or flat.attributes["shape"] != (-1,):
        return []
    joined = flow.made(flat.inputs[0], "stack")
    return [] if joined is None or joined.attributes["axis"] != 1 else _parts(flow, joined.inputs, (-1,), False)


def _parts(flow: Flow, operands: Sequence[Operand], rest: tuple[int, ...], from_end: bool) -> list[Draft]:
    parts = [flow.made(operand, "reshape") for operand in operands]
    found = [part for part in parts if part is not None and flow.made(part.inputs[0], "parameter")]
    fitting = [p for p in found if p.attributes["shape"][1:] == rest and p.attributes["from_end"] == from_end]
    return fitting if len(fitting) == len(operands) == 3 else []


def _heads(parts: Sequence[Draft]) -> set[int]:
    return {part.attributes["shape"][0] for part in parts}


def _replace(flow: Flow, woven: Draft, users: list[Draft], weights: list[Draft], biases: list[Draft]) -> None:
    layers = []
    for name, weight, bias in zip(("query", "key", "value"), weights, biases):
        roles = {"weight": _parameter(flow, weight), "bias": _parameter(flow, bias)}
        stem = stem_of(roles["weight"].arrays[0].name)
        attributes = {"out_features": roles["weight"].tensor.shape[0], "flatten": False}
        layers.append(
            Draft(f"{woven.name}.{name}", "linear", woven.inputs[:1], attributes, woven.origin, dict(roles), stem)
        )
    query, key, value = (Value(layer.name) for layer in layers)
    new = []
    for user in users:
        if user.kind == "self_attention_scores":
            operands: list[Operand] = [query, key]
        else:
            operands = [value, user.inputs[1]]
        kind = user.kind[len("self_") :]
        new.append(Draft(user.name, kind, operands, user.attributes, user.origin))
    flow.replace([*layers, *new], {woven.name, *(user.name for user in users)}, {})


def _parameter(flow: Flow, part: Draft) -> Recipe:
    parameter = flow.made(part.inputs[0], "parameter")
    assert parameter is not None
    recipe = parameter.roles["value"]
    assert isinstance(recipe, Recipe)
    return recipe
