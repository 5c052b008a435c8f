"""Infer layers from the names and shapes of a state dict, whose role names are the catalogue's."""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple

from neutral.graph import Layer, LayerSource, Origin
from neutral.operators.recurrent import GATES
from neutral.tensor import Tensor

Shapes = Mapping[str, "tuple[int, ...]"]

COUNTER = "num_batches_tracked"
"""The tensor of a batch norm that only PyTorch has."""

_RECURRENT = re.compile(r"(weight_(ih|hh|hr)|bias_(ih|hh))_l\d+(_reverse)?$")
_CELL = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
_STATISTICS = {"running_mean", "running_var"}


class Inferred(NamedTuple):
    """An inferred kind with the attributes that the shapes determine."""

    kind: str
    attributes: dict[str, Any]


def infer_layers(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Layer], dict[str, Tensor]]:
    """Group the tensors of a state dict into layers.

    Args:
        tensors: The tensors by name.

    Returns:
        The layers by name, in the order of the state dict, and the tensors by key in the store. Every tensor belongs to
        exactly one layer; one of unknown kind to a layer of kind ``parameter``.

    Example:
        >>> layers, _ = infer_layers({"fc.weight": Tensor("F32", (2, 3), ()), "scale": Tensor("F32", (), ())})
        >>> [(layer.name, layer.kind) for layer in layers.values()]
        [('fc', 'linear'), ('scale', 'parameter')]
    """
    groups: dict[str, dict[str, str]] = {}
    for name in tensors:
        stem, _, role = name.rpartition(".")
        groups.setdefault(stem, {})[role] = name
    layers: dict[str, Layer] = {}
    stored: dict[str, Tensor] = {}
    for stem, names in groups.items():
        shapes = {role: tensors[name].shape for role, name in names.items() if role != COUNTER}
        inferred = _infer(stem, shapes) if stem else None
        if inferred is not None:
            keys = {role: names[role] for role in shapes}
            source = LayerSource(origins={role: Origin((name,)) for role, name in keys.items()})
            layers[stem] = Layer(stem, inferred.kind, inferred.attributes, keys, source, typed_by="names")
            stored.update((name, tensors[name]) for name in keys.values())
        for name in names.values():
            if name not in stored:
                key = f"{name}.value"
                source = LayerSource(origins={"value": Origin((name,))})
                layers[name] = Layer(name, "parameter", {}, {"value": key}, source, typed_by="names")
                stored[key] = tensors[name]
    return layers, stored


def _infer(stem: str, shapes: Shapes) -> Inferred | None:
    """Return the kind of the layer with this name and these roles; None if it is unknown."""
    roles = set(shapes)
    if roles >= _STATISTICS and roles <= {*_STATISTICS, "weight", "bias"}:
        return Inferred("batch_norm", {}) if {len(shape) for shape in shapes.values()} == {1} else None
    if roles and all(_RECURRENT.match(role) for role in roles):
        return _infer_recurrent(shapes)
    if {"weight_ih", "weight_hh"} <= roles <= _CELL:
        kind = _recurrent_kind(shapes["weight_ih"], shapes["weight_hh"])
        return None if kind is None else Inferred(f"{kind}_cell", {"hidden_size": shapes["weight_hh"][1]})
    if roles in ({"weight"}, {"weight", "bias"}):
        return _infer_weighted(stem.lower(), shapes["weight"], shapes.get("bias"))
    return None


def _infer_weighted(name: str, weight: tuple[int, ...], bias: tuple[int, ...] | None) -> Inferred | None:
    """Return the kind of a layer with a weight and perhaps a bias; words in its name decide between kinds."""
    if len(weight) == 1:
        if bias is None:
            return Inferred("prelu", {}) if re.search(r"relu|(^|[._])act", name) else None
        is_norm = bias == weight and re.search(r"layer_?norm|(^|[._])ln[._\d]*$", name)
        return Inferred("layer_norm", {}) if is_norm else None
    is_transposed = bool(re.search(r"deconv|transpose|upsampl", name))
    if len(weight) == 2 and bias is None and "embed" in name:
        return Inferred("embedding", {"num_embeddings": weight[0], "embedding_dim": weight[1]})
    if len(weight) == 2 and bias in (None, weight[:1]):
        return Inferred("linear", {"out_features": weight[0]})
    if 3 <= len(weight) <= 5 and not is_transposed and bias in (None, weight[:1]):
        return Inferred("convolution", {"out_channels": weight[0], "kernel_size": weight[2:]})
    if 3 <= len(weight) <= 5 and is_transposed and (bias is None or bias[0] % max(weight[1], 1) == 0):
        return Inferred("transposed_convolution", {"kernel_size": weight[2:]})
    return None


def _recurrent_kind(weight_ih: tuple[int, ...], weight_hh: tuple[int, ...]) -> str | None:
    """Return the kind whose number of gates fits the matrices of a recurrent layer."""
    if len(weight_ih) != 2 or len(weight_hh) != 2 or weight_ih[0] != weight_hh[0]:
        return None
    return next((kind for kind, gates in GATES.items() if weight_hh[0] == gates * weight_hh[1]), None)


def _infer_recurrent(shapes: Shapes) -> Inferred | None:
    if not {"weight_ih_l0", "weight_hh_l0"} <= set(shapes):
        return None
    projection = shapes.get("weight_hr_l0")
    kind = "lstm" if projection is not None else _recurrent_kind(shapes["weight_ih_l0"], shapes["weight_hh_l0"])
    if kind is None or len(projection or (0, 0)) != 2:
        return None
    attributes: dict[str, Any] = {
        "hidden_size": shapes["weight_hh_l0"][0] // GATES[kind],
        "num_layers": len({role.split("_l")[1].split("_")[0] for role in shapes}),
        "bidirectional": any(role.endswith("_reverse") for role in shapes),
    }
    if kind == "lstm":
        attributes["projection_size"] = projection[0] if projection else 0
    return Inferred(kind, attributes)
