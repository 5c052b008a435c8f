"""Whether a stored layer can live in a module's layer: kinds, roles and shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.graph import Layer
from neutral.matching.network import Network
from neutral.operators import catalogue

ALIKE = (
    {"linear", "embedding"},
    {"layer_norm", "instance_norm", "group_norm"},
    {"convolution", "transposed_convolution"},
    {"convolution", "deformable_convolution"},
)
"""Kinds whose tensors look the same, so that a kind known from names and shapes only may be either."""


LINEAR_MAPS = {"convolution", "linear"}
"""A convolution over one position, or over all there are, is a linear map."""


@dataclass(frozen=True)
class Compatibility:
    """``problem`` says why the layers do not fit, None where they do.

    ``roles`` maps stored role to module role. ``dropped`` are stored roles that the module lacks, which is sound only
    where they hold the constant named. ``constants`` are the module's roles that the store lacks, and what they mean.
    """

    problem: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


def check_compatibility(stored: Network, layer: str, module: Network, target: str) -> Compatibility:
    """How the stored layer ``layer`` fits the module's layer ``target``, all roles together."""
    ours, theirs = stored.layers[layer], module.layers[target]
    if not kinds_are_compatible(ours, theirs):
        return Compatibility(f"{layer} is a {ours.kind}, the module's {target} is a {theirs.kind}")
    dropped, constants = {}, {}
    roles = {role: role for role in ours.tensors if role in theirs.tensors}
    for role in sorted(roles, key=lambda role: not role.startswith("weight")):  # the weight tells most
        problem = shape_problem(stored, layer, role, module, target, role)
        if problem:
            return Compatibility(problem)
    computed = stored.computed.get(layer, frozenset())
    for role in ours.tensors:
        if role not in theirs.tensors:
            constant = meaningless(ours.kind, role)
            if constant is None:
                return Compatibility(f"{layer} has a {role}, the module's {target} has none")
            dropped[role] = constant
    for role in theirs.tensors:
        if role not in ours.tensors:
            constant = meaningless(theirs.kind, role)
            if constant is None or role in computed:
                how = "computes it in its graph" if role in computed else "has none"
                return Compatibility(f"the module's {target} has a {role}, the stored {layer} {how}")
            constants[role] = constant
    return Compatibility(None, roles, dropped, constants)


def kinds_are_compatible(stored: Layer, module: Layer) -> bool:
    if stored.kind == module.kind or {stored.kind, module.kind} == LINEAR_MAPS:
        return True
    is_sure = "names" not in (stored.typed_by, module.typed_by)
    return not is_sure and any({stored.kind, module.kind} <= kinds for kinds in ALIKE)


def meaningless(kind: str, role: str) -> str | None:
    """The constant (``zeros``, ``ones``) with which a role does nothing, so that a layer may as well lack it."""
    if role.startswith("bias"):
        return "zeros"
    if role == "weight" and catalogue[kind].family == "normalization":
        return "ones"
    return None


def shape_problem(stored: Network, layer: str, role: str, module: Network, target: str, target_role: str) -> str | None:
    """Why a tensor cannot fill another, or None."""
    ours, theirs = stored.shape(layer, role), module.shape(target, target_role)
    kind = stored.layers[layer].kind
    if ours == theirs or (kind == "prelu" and 1 in (_size(ours), _size(theirs)) and len(theirs) <= 1):
        return None
    if {kind, module.layers[target].kind} == LINEAR_MAPS and role == "weight":
        convolution = (stored.layers[layer] if kind == "convolution" else module.layers[target]).attributes
        plain = convolution.get("groups", 1) == 1 and not any(convolution.get("padding", ()))
        at_once = all(step == 1 for step in (*convolution.get("stride", ()), *convolution.get("dilation", ())))
        if plain and at_once and (ours[0], _size(ours[1:])) == (theirs[0], _size(theirs[1:])):
            return None
    if "parameter" in (kind, module.layers[target].kind) and _trimmed(ours) == _trimmed(theirs):
        return None
    return f"{layer}.{role} has shape {ours}, the module's {module.layers[target].tensors[target_role]} has {theirs}"


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading ones, which broadcasting adds and drops."""
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for dim in shape:
        size *= dim
    return size
