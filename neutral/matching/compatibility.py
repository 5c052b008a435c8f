"""Check whether a stored layer can fill a module's layer: kinds, roles and shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.graph import Layer
from neutral.matching.network import Network
from neutral.operators import catalogue

SIMILAR_KINDS = (
    {"linear", "embedding"},
    {"layer_norm", "instance_norm", "group_norm"},
    {"convolution", "transposed_convolution"},
    {"convolution", "deformable_convolution"},
)
"""Kinds with the same roles and shapes. A kind that was inferred from names and shapes may be any of its set."""

LINEAR_MAPS = {"convolution", "linear"}
"""A convolution whose kernel covers one position, or the whole input, is a linear map."""


@dataclass(frozen=True)
class Compatibility:
    """The result of :func:`check_compatibility`.

    Attributes:
        problem: The reason why the layers do not fit, None where they do.
        roles: The module's role of each stored role.
        dropped: Stored roles that the module lacks, with the constant that they have to hold.
        constants: The module's roles that the store lacks, with the constant that fills them.

    Example:
        >>> Compatibility("fc is a linear, the module's fc is a embedding").problem is None
        False
    """

    problem: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


def check_compatibility(stored: Network, layer: str, module: Network, target: str) -> Compatibility:
    """Check whether a stored layer, all of its roles together, can fill a layer of a module.

    Args:
        stored: The store's network.
        layer: A layer of ``stored``.
        module: The module's network.
        target: A layer of ``module``.

    Returns:
        The roles that correspond, or the reason why the layers do not fit.

    Example:
        >>> weight = {"fc.weight": (2, 3)}
        >>> stored = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, weight)
        >>> module = Network({"fc": Layer("fc", "embedding", {}, {"weight": "fc.weight"})}, weight)
        >>> check_compatibility(stored, "fc", stored, "fc").roles
        {'weight': 'weight'}
        >>> check_compatibility(stored, "fc", module, "fc").problem
        "fc is a linear, the module's fc is a embedding"
    """
    stored_layer, module_layer = stored.layers[layer], module.layers[target]
    if not kinds_are_compatible(stored_layer, module_layer):
        return Compatibility(f"{layer} is a {stored_layer.kind}, the module's {target} is a {module_layer.kind}")
    dropped, constants = {}, {}
    roles = {role: role for role in stored_layer.tensors if role in module_layer.tensors}
    for role in sorted(roles, key=lambda role: not role.startswith("weight")):  # the weight tells most
        problem = find_shape_conflict(stored, layer, role, module, target, role)
        if problem:
            return Compatibility(problem)
    computed = stored.computed.get(layer, frozenset())
    for role in stored_layer.tensors:
        if role not in module_layer.tensors:
            constant = constant_without_effect(stored_layer.kind, role)
            if constant is None:
                return Compatibility(f"{layer} has a {role}, the module's {target} has none")
            dropped[role] = constant
    for role in module_layer.tensors:
        if role not in stored_layer.tensors:
            constant = constant_without_effect(module_layer.kind, role)
            if constant is None or role in computed:
                how = "computes it in its graph" if role in computed else "has none"
                return Compatibility(f"the module's {target} has a {role}, the stored {layer} {how}")
            constants[role] = constant
    return Compatibility(None, roles, dropped, constants)


def kinds_are_compatible(stored: Layer, module: Layer) -> bool:
    """Return whether two layers may be of the same kind, given how their kinds are known.

    Args:
        stored: The stored layer.
        module: The module's layer.

    Returns:
        True for equal kinds and for a linear layer and a convolution; for similar kinds only if one side's kind was
        inferred from names.

    Example:
        >>> linear, norm = Layer("a", "linear", {}, {}), Layer("b", "batch_norm", {}, {})
        >>> kinds_are_compatible(linear, Layer("c", "convolution", {}, {})), kinds_are_compatible(linear, norm)
        (True, False)
    """
    if stored.kind == module.kind or {stored.kind, module.kind} == LINEAR_MAPS:
        return True
    is_sure = "names" not in (stored.typed_by, module.typed_by)
    return not is_sure and any({stored.kind, module.kind} <= kinds for kinds in SIMILAR_KINDS)


def constant_without_effect(kind: str, role: str) -> str | None:
    """Return the constant (``zeros``, ``ones``) with which a layer computes the same as without the role.

    Args:
        kind: The layer's kind, a key of the catalogue.
        role: The role of the layer's tensor.

    Returns:
        ``zeros`` or ``ones``, None if no constant leaves the layer's result unchanged.

    Example:
        >>> constant_without_effect("linear", "bias"), constant_without_effect("linear", "weight")
        ('zeros', None)
    """
    if role.startswith("bias"):
        return "zeros"
    if role == "weight" and catalogue[kind].family == "normalization":
        return "ones"
    return None


def find_shape_conflict(
    stored: Network, layer: str, role: str, module: Network, target: str, target_role: str
) -> str | None:
    """Return a message where a stored role cannot fill a role of the module, None where it can.

    Args:
        stored: The store's network.
        layer: The stored layer.
        role: The role of its tensor.
        module: The module's network.
        target: The path of the module's layer.
        target_role: The role of the tensor to be filled.

    Returns:
        The message, with both shapes; None also for shapes that a reshape reconciles, such as ``(10, 8, 1, 1)`` and
        ``(10, 8)``.

    Example:
        >>> def network(shape):
        ...     return Network({"fc": Layer("fc", "linear", {}, {"weight": "w"})}, {"w": shape})
        >>> find_shape_conflict(network((2, 3)), "fc", "weight", network((2, 3)), "fc", "weight") is None
        True
        >>> find_shape_conflict(network((2, 3)), "fc", "weight", network((2, 5)), "fc", "weight") is None
        False
    """
    stored_shape, module_shape = stored.shape(layer, role), module.shape(target, target_role)
    stored_layer, module_layer = stored.layers[layer], module.layers[target]
    kinds = {stored_layer.kind, module_layer.kind}
    if stored_shape == module_shape:
        return None
    if stored_layer.kind == "prelu" and 1 in (_size(stored_shape), _size(module_shape)) and len(module_shape) <= 1:
        return None
    if kinds == LINEAR_MAPS and role == "weight":
        convolution = stored_layer if stored_layer.kind == "convolution" else module_layer
        if _is_linear_map(convolution) and _as_matrix(stored_shape) == _as_matrix(module_shape):
            return None
    if "parameter" in kinds and _without_leading_ones(stored_shape) == _without_leading_ones(module_shape):
        return None
    tensor = module_layer.tensors[target_role]
    return f"{layer}.{role} has shape {stored_shape}, the module's {tensor} has {module_shape}"


def _is_linear_map(convolution: Layer) -> bool:
    attributes = convolution.attributes
    is_plain = attributes.get("groups", 1) == 1 and not any(attributes.get("padding", ()))
    return is_plain and all(step == 1 for step in (*attributes.get("stride", ()), *attributes.get("dilation", ())))


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0], _size(shape[1:])


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size
