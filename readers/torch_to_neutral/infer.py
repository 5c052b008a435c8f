"""Layers from the names and shapes of a state dict. Torch's names of roles are the catalogue's."""

from __future__ import annotations

import re
from typing import Any, Mapping

from neutral.graph import Layer, LayerSource, Origin
from neutral.operators.recurrent import GATES
from neutral.tensor import Tensor

Shapes = Mapping[str, "tuple[int, ...]"]

COUNTER = "num_batches_tracked"

_RECURRENT = re.compile(r"(weight_(ih|hh|hr)|bias_(ih|hh))_l\d+(_reverse)?$")
_CELL = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
_STATISTICS = {"running_mean", "running_var"}


def infer(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Layer], dict[str, Tensor]]:
    """Every tensor in exactly one layer, and the tensors by the keys of the store; in the order of the names."""
    groups: dict[str, dict[str, str]] = {}
    for name in tensors:
        stem, _, role = name.rpartition(".")
        groups.setdefault(stem, {})[role] = name
    layers: dict[str, Layer] = {}
    stored: dict[str, Tensor] = {}
    for stem, roles in groups.items():
        shapes = {role: tensors[name].shape for role, name in roles.items() if role != COUNTER}
        found = _kind(stem, shapes) if stem else None
        if found is not None:
            keys = {role: roles[role] for role in shapes}
            source = LayerSource(origins={role: Origin((name,)) for role, name in keys.items()})
            layers[stem] = Layer(stem, found[0], found[1], keys, source, typed_by="names")
            stored.update((name, tensors[name]) for name in keys.values())
        for name in roles.values():
            if name not in stored:
                key = f"{name}.value"
                source = LayerSource(origins={"value": Origin((name,))})
                layers[name] = Layer(name, "parameter", {}, {"value": key}, source, typed_by="names")
                stored[key] = tensors[name]
    return layers, stored


def _kind(stem: str, shapes: Shapes) -> tuple[str, dict[str, Any]] | None:
    roles, hint = set(shapes), stem.lower()
    if roles >= _STATISTICS and roles <= {*_STATISTICS, "weight", "bias"}:
        return ("batch_norm", {}) if {len(shape) for shape in shapes.values()} == {1} else None
    if roles and all(_RECURRENT.match(role) for role in roles):
        return _recurrent(shapes)
    if {"weight_ih", "weight_hh"} <= roles <= _CELL:
        gates = _gates(shapes["weight_ih"], shapes["weight_hh"])
        return None if gates is None else (f"{gates}_cell", {"hidden_size": shapes["weight_hh"][1]})
    if roles in ({"weight"}, {"weight", "bias"}):
        return _weighted(hint, shapes["weight"], shapes.get("bias"))
    return None


def _weighted(hint: str, weight: tuple[int, ...], bias: tuple[int, ...] | None) -> tuple[str, dict[str, Any]] | None:
    if len(weight) == 1:
        if bias is None:
            return ("prelu", {}) if re.search(r"relu|(^|[._])act", hint) else None
        is_norm = bias == weight and re.search(r"layer_?norm|(^|[._])ln[._\d]*$", hint)
        return ("layer_norm", {}) if is_norm else None
    transposed = bool(re.search(r"deconv|transpose|upsampl", hint))
    if len(weight) == 2 and bias is None and "embed" in hint:
        return "embedding", {"num_embeddings": weight[0], "embedding_dim": weight[1]}
    if len(weight) == 2 and bias in (None, weight[:1]):
        return "linear", {"out_features": weight[0]}
    if 3 <= len(weight) <= 5 and not transposed and bias in (None, weight[:1]):
        return "convolution", {"out_channels": weight[0], "kernel_size": weight[2:]}
    if 3 <= len(weight) <= 5 and transposed and (bias is None or bias[0] % weight[1] == 0):
        return "transposed_convolution", {"kernel_size": weight[2:]}
    return None


def _gates(weight_ih: tuple[int, ...], weight_hh: tuple[int, ...]) -> str | None:
    if len(weight_ih) != 2 or len(weight_hh) != 2 or weight_ih[0] != weight_hh[0]:
        return None
    return next((kind for kind, gates in GATES.items() if weight_hh[0] == gates * weight_hh[1]), None)


def _recurrent(shapes: Shapes) -> tuple[str, dict[str, Any]] | None:
    if not {"weight_ih_l0", "weight_hh_l0"} <= set(shapes):
        return None
    projection = shapes.get("weight_hr_l0")
    rows = shapes["weight_hh_l0"][0]
    kind = "lstm" if projection is not None else _gates(shapes["weight_ih_l0"], shapes["weight_hh_l0"])
    if kind is None or len(projection or (0, 0)) != 2:
        return None
    attributes: dict[str, Any] = {
        "hidden_size": rows // GATES[kind],
        "num_layers": len({role.split("_l")[1].split("_")[0] for role in shapes}),
        "bidirectional": any(role.endswith("_reverse") for role in shapes),
    }
    if kind == "lstm":
        attributes["projection_size"] = projection[0] if projection else 0
    return kind, attributes
