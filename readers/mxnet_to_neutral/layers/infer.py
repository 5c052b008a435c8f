"""Infer layers from the names and shapes of arrays that no graph uses.

Layers have only the attributes that follow from shapes. Arrays that fit several kinds, or none, become layers of kind
``parameter``.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.layers.names import split_role, strip_prefix
from neutral.operators.recurrent import GATES


class InferredLayer(NamedTuple):
    """A layer inferred from names and shapes.

    Attributes:
        name: The layer's name, not yet unique.
        kind: A kind of the catalogue.
        attributes: The attributes that follow from the shapes.
        arrays: The arrays by role.
    """

    name: str
    kind: str
    attributes: Mapping[str, Any]
    arrays: Mapping[str, Array]


_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})
"""Shared by layers, of which a file may have millions."""

_SINGLE, _LAYER, _RECURRENT = "single", "layer", "recurrent"
"""Structures that arrays belong to: none, a layer, or a stack of recurrent layers."""

_STATISTICS = {
    "moving_mean": "running_mean",
    "running_mean": "running_mean",
    "moving_var": "running_var",
    "running_var": "running_var",
}

_SEQUENCE = re.compile(r"^(?P<stem>.*?)[_.]?(?P<direction>[lr])(?P<layer>\d{1,4})_[ih]2[hr]_(?:weight|bias)$")
"""Names of Gluon's recurrent layers: ``lstm0_l0_i2h_weight``, ``0.r1_h2h_bias``."""

_UNFUSED = re.compile(
    r"^(?P<stem>.*?)[_.]?_unfused\.(?P<layer>\d{1,4})(?:\.(?P<direction>[lr])_cell)?\.[ih]2[hr]_(?:weight|bias)$"
)
"""The names that ``save_parameters`` of Gluon 1.3 to 1.9 gives them: ``0._unfused.1.l_cell.i2h_weight``."""

_RECURRENT_ROLES = {
    "i2h_weight": "weight_ih",
    "h2h_weight": "weight_hh",
    "h2r_weight": "weight_hr",
    "i2h_bias": "bias_ih",
    "h2h_bias": "bias_hh",
}


def infer_layers(arrays: Iterable[Array]) -> Iterator[InferredLayer]:
    """Infer layers from arrays.

    Args:
        arrays: Arrays by MXNet's naming conventions, in the order of the file.

    Yields:
        Layers in the order in which the arrays first name them; every array with data is in exactly one.

    Example:
        >>> weight = Array("fc_weight", "F32", (10, 4), "dense", 0)
        >>> bias = Array("fc_bias", "F32", (10,), "dense", 168)
        >>> [(layer.name, layer.kind, layer.attributes) for layer in infer_layers([weight, bias])]
        [('fc', 'linear', {'out_features': 10})]
    """
    groups: dict[tuple[str, str], list[tuple[str, Array]]] = {}
    for array in arrays:
        if array.storage == "none":
            continue
        structure, stem, role = _classify(array.name)
        groups.setdefault((structure, stem), []).append((role, array))
    for structure, stem in list(groups):
        members = groups.pop((structure, stem))
        roles, layer = dict(members), None
        if structure != _SINGLE:
            layer = _recurrent_layer(stem, roles) if structure == _RECURRENT else _layer(stem, roles)
        if layer is None or len(layer.arrays) != len(members):
            yield from [_parameter(array) for _, array in members]
        else:
            yield layer


def _parameter(array: Array) -> InferredLayer:
    return InferredLayer(strip_prefix(array.name), "parameter", _NO_ATTRIBUTES, {"value": array})


def _classify(name: str) -> tuple[str, str, str]:
    """Return the structure that an array belongs to by its name, the layer's name, and the role."""
    stem, role = split_role(name)
    if role is None:
        return _SINGLE, stem, ""
    if role in _RECURRENT_ROLES:
        plain = strip_prefix(name)
        match = _SEQUENCE.match(plain) or _UNFUSED.match(plain)
        if match:
            reverse = "_reverse" if match.group("direction") == "r" else ""
            role = f"{_RECURRENT_ROLES[role]}_l{int(match.group('layer'))}{reverse}"
            return _RECURRENT, match.group("stem") or "rnn", role
    return _LAYER, stem or role, role


def _layer(stem: str, roles: Mapping[str, Array]) -> InferredLayer | None:
    """Infer a layer other than a recurrent one; None if its arrays fit no kind."""
    names, hint = roles.keys(), stem.lower()
    if "weight" in names:
        return _weighted(stem, hint, roles) if names <= {"weight", "bias"} else None
    if {"gamma", "beta"} <= names:
        return _normalization(stem, hint, {_STATISTICS.get(role, role): array for role, array in roles.items()})
    if names in ({"alpha"}, {"gamma"}) and all(len(array.shape) == 1 for array in roles.values()):
        return InferredLayer(stem, "prelu", {}, {"weight": next(iter(roles.values()))})
    if {"i2h_weight", "h2h_weight"} <= names <= set(_RECURRENT_ROLES) - {"h2r_weight"}:
        return _cell(stem, roles)
    return None


def _normalization(stem: str, hint: str, roles: Mapping[str, Array]) -> InferredLayer | None:
    """Infer batch normalization from its statistics, and other normalizations from the layer's name."""
    if set(roles) == {"gamma", "beta", "running_mean", "running_var"}:
        kind = "batch_norm"
    elif set(roles) == {"gamma", "beta"} and re.search(r"layer_?norm|(^|[_.])ln\d*$", hint):
        kind = "layer_norm"
    elif set(roles) == {"gamma", "beta"} and re.search(r"instance_?norm", hint):
        kind = "instance_norm"
    else:
        return None
    if len({array.shape for array in roles.values()}) != 1 or len(roles["gamma"].shape) != 1:
        return None
    renamed = {"gamma": "weight", "beta": "bias"}
    return InferredLayer(stem, kind, {}, {renamed.get(role, role): array for role, array in roles.items()})


def _weighted(stem: str, hint: str, roles: Mapping[str, Array]) -> InferredLayer | None:
    """Infer a layer with a weight and perhaps a bias from their shapes, where those fit several kinds by its name."""
    shape = roles["weight"].shape
    bias = roles["bias"].shape if "bias" in roles else None
    if not 2 <= len(shape) <= 5 or (bias is not None and len(bias) != 1):
        return None
    attributes: dict[str, Any]
    if len(shape) == 2:
        if bias is None and "embed" in hint:
            kind, attributes = "embedding", {"num_embeddings": shape[0], "embedding_dim": shape[1]}
        elif bias in (None, shape[:1]):
            kind, attributes = "linear", {"out_features": shape[0]}
        else:
            return None
    elif re.search(r"deconv|transpose|upsampl", hint):
        if bias is not None and (not shape[1] or bias[0] % shape[1]):
            return None
        kind, attributes = "transposed_convolution", {"kernel_size": shape[2:]}
    elif bias in (None, shape[:1]):
        kind, attributes = "convolution", {"out_channels": shape[0], "kernel_size": shape[2:]}
    else:
        return None
    return InferredLayer(stem, kind, attributes, roles)


def _kind_of_gates(rows: int, hidden: int) -> str | None:
    """Return the recurrent kind whose gates, of ``hidden`` rows each, make up ``rows``."""
    return next((kind for kind, gates in GATES.items() if rows == gates * hidden), None)


def _cell(stem: str, roles: Mapping[str, Array]) -> InferredLayer | None:
    """Infer a recurrent cell."""
    rows, hidden = (*roles["h2h_weight"].shape, 0)[:2]
    kind = _kind_of_gates(rows, hidden)
    if kind is None or any(array.shape[:1] != (rows,) for array in roles.values()):
        return None
    arrays = {_RECURRENT_ROLES[role]: array for role, array in roles.items()}
    return InferredLayer(stem, f"{kind}_cell", {"hidden_size": hidden}, arrays)


def _recurrent_layer(stem: str, roles: Mapping[str, Array]) -> InferredLayer | None:
    """Infer a stack of recurrent layers, one direction or both."""
    shapes = {role: array.shape for role, array in roles.items()}
    rows, state = (*shapes.get("weight_hh_l0", ()), 0, 0)[:2]
    projection = shapes.get("weight_hr_l0")
    hidden = projection[1] if projection and len(projection) == 2 else state
    kind = _kind_of_gates(rows, hidden)
    layers = {role.split("_l")[1].split("_")[0] for role in roles}
    if kind is None or (projection and kind != "lstm"):
        return None
    attributes: dict[str, Any] = {
        "hidden_size": hidden,
        "num_layers": len(layers),
        "bidirectional": any(role.endswith("_reverse") for role in roles),
    }
    if kind == "lstm":
        attributes["projection_size"] = projection[0] if projection else 0
    return InferredLayer(stem, kind, attributes, roles)
