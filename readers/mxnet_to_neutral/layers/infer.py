"""Layers from names and shapes alone, for arrays that no graph explains.

Only what names and shapes give away is said; the rest of the attributes is left out. What could be several kinds
stays a ``parameter``.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping, Tuple

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.layers.names import split_role, strip_prefix
from neutral.operators.recurrent import GATES

Inferred = Tuple[str, str, Mapping[str, Any], Mapping[str, Array]]
"""A layer's name, its kind, the attributes that are certain from the shapes, and the arrays of its roles."""

_STATISTICS = {
    "moving_mean": "running_mean",
    "running_mean": "running_mean",
    "moving_var": "running_var",
    "running_var": "running_var",
}

_SEQUENCE = re.compile(r"^(?P<stem>.*?)[_.]?(?P<direction>[lr])(?P<layer>\d+)_[ih]2[hr]_(?:weight|bias)$")
"""Gluon's recurrent layers: ``lstm0_l0_i2h_weight``, ``0.r1_h2h_bias``."""

_UNFUSED = re.compile(
    r"^(?P<stem>.*?)[_.]?_unfused\.(?P<layer>\d+)(?:\.(?P<direction>[lr])_cell)?\.[ih]2[hr]_(?:weight|bias)$"
)
"""What Gluon 1.3 to 1.9 call the same in ``save_parameters``: ``0._unfused.1.l_cell.i2h_weight``."""

_PARTS = {
    "i2h_weight": "weight_ih",
    "h2h_weight": "weight_hh",
    "h2r_weight": "weight_hr",
    "i2h_bias": "bias_ih",
    "h2h_bias": "bias_hh",
}


def infer(arrays: Iterable[Array]) -> Iterator[Inferred]:
    """Layers in the order in which the arrays first name them; every array with data is in exactly one."""
    groups: dict[tuple[str, str], list[tuple[str, Array]]] = {}
    for array in arrays:
        if array.storage == "none":
            continue
        form, stem, role = _place(array.name)
        groups.setdefault((form, stem), []).append((role, array))
    for (form, stem), members in groups.items():
        roles, layer = dict(members), None
        if form != "single":
            layer = _sequence(stem, roles) if form == "sequence" else _layer(stem, roles)
        if layer is None or len(layer[-1]) != len(members):
            yield from [parameter(array) for _, array in members]
        else:
            yield layer


def parameter(array: Array) -> Inferred:
    """An array of which nothing is known but its name."""
    return strip_prefix(array.name), "parameter", {}, {"value": array}


def _place(name: str) -> tuple[str, str, str]:
    """What an array can belong to by its name: a recurrent sequence, a layer, or nothing; its name, and the role."""
    stem, role = split_role(name)
    if role is None:
        return "single", stem, ""
    if role in _PARTS:
        plain = strip_prefix(name)
        match = _SEQUENCE.match(plain) or _UNFUSED.match(plain)
        if match:
            reverse = "_reverse" if match.group("direction") == "r" else ""
            return "sequence", match.group("stem") or "rnn", f"{_PARTS[role]}_l{int(match.group('layer'))}{reverse}"
    return "layer", stem or role, role


def _layer(stem: str, roles: Mapping[str, Array]) -> Inferred | None:
    names, hint = roles.keys(), stem.lower()
    if "weight" in names:
        return _weighted(stem, hint, roles) if names <= {"weight", "bias"} else None
    if {"gamma", "beta"} <= names:
        found = {_STATISTICS.get(role, role): array for role, array in roles.items()}
        if set(found) == {"gamma", "beta", "running_mean", "running_var"}:
            return _normalization(stem, "batch_norm", found)
        if names == {"gamma", "beta"}:
            for kind, pattern in (
                ("layer_norm", r"layer_?norm|(^|[_.])ln\d*$"),
                ("instance_norm", r"instance_?norm"),
            ):
                if re.search(pattern, hint):
                    return _normalization(stem, kind, found)
        return None
    if names in ({"alpha"}, {"gamma"}) and all(len(array.shape) == 1 for array in roles.values()):
        return stem, "prelu", {}, {"weight": next(iter(roles.values()))}
    if {"i2h_weight", "h2h_weight"} <= names <= set(_PARTS) - {"h2r_weight"}:
        return _cell(stem, roles)
    return None


def _normalization(stem: str, kind: str, roles: Mapping[str, Array]) -> Inferred | None:
    if len({array.shape for array in roles.values()}) != 1 or len(roles["gamma"].shape) != 1:
        return None
    renamed = {"gamma": "weight", "beta": "bias"}
    return stem, kind, {}, {renamed.get(role, role): array for role, array in roles.items()}


def _weighted(stem: str, hint: str, roles: Mapping[str, Array]) -> Inferred | None:
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
    return stem, kind, attributes, roles


def _kind_of_gates(rows: int, hidden: int) -> str | None:
    return next((kind for kind, gates in GATES.items() if rows == gates * hidden), None)


def _cell(stem: str, roles: Mapping[str, Array]) -> Inferred | None:
    rows, hidden = (*roles["h2h_weight"].shape, 0)[:2]
    kind = _kind_of_gates(rows, hidden)
    if kind is None or any(array.shape[:1] != (rows,) for array in roles.values()):
        return None
    recipes = {_PARTS[part]: array for part, array in roles.items()}
    return stem, f"{kind}_cell", {"hidden_size": hidden}, recipes


def _sequence(stem: str, roles: Mapping[str, Array]) -> Inferred | None:
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
    return stem, kind, attributes, roles
