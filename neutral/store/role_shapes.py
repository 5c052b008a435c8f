"""Check tensors against the shapes that the catalogue states for their roles."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, Mapping

from neutral.graph import Layer
from neutral.operators.declarations import Operator
from neutral.operators.recurrent import GATES
from neutral.store.store import Store

_TERM = re.compile(r"(\*?)([\w.]+(?:\[\w+\])?)(?:([*/])(\w+))?")

Extents = Dict[str, int]


def shape_problems(
    operator: Operator, attributes: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    """Yield a sentence for each tensor of a layer whose shape contradicts the catalogue.

    Names in a shape that are attributes have the attribute's value; other names have to stand for the same number
    in all roles of the layer. Sizes that differ by recurrent layer (``input_size``, ``state_size``) are left open.

    Args:
        operator: The kind of the layer.
        attributes: The layer's attributes; those that are absent are taken as unknown.
        shapes: The tensors' shapes by role.

    Yields:
        The role, its shape and the expected one.

    Example:
        >>> from neutral.operators import catalogue
        >>> list(shape_problems(catalogue["linear"], {"out_features": 3}, {"weight": (3, 5), "bias": (2,)}))
        ['its bias has shape (2,), expected (out_features,) with out_features=3']
    """
    known = {name: value for name, value in attributes.items() if isinstance(value, (int, tuple))}
    if operator.family == "recurrent":
        known["gates"] = GATES[operator.kind.replace("_cell", "")]
    extents: Extents = {}
    for name, shape in shapes.items():
        role = operator.role(name)
        if role is None or role.shape == "any":
            continue
        bindings = [_bind(text, shape, known, extents) for text in role.shape.split(" or ")]
        binding = next((each for each in bindings if each is not None), None)
        if binding is None:
            values = ", ".join(f"{key}={value}" for key, value in {**known, **extents}.items() if key in role.shape)
            yield f"its {name} has shape {shape}, expected {role.shape}" + (f" with {values}" if values else "")
        else:
            extents.update({key: value for key, value in binding.items() if key not in ("input_size", "state_size")})


def role_shapes(layer: Layer, store: Store) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's tensors by role; roles without a tensor are left out.

    Args:
        layer: The layer.
        store: The store that has the layer's tensors.

    Returns:
        Shapes by role.

    Example:
        >>> from neutral.tensor import Tensor
        >>> layer = Layer("fc", "linear", {}, {"weight": "w", "bias": "lost"})
        >>> role_shapes(layer, Store({"fc": layer}, {"w": Tensor("F32", (2, 3), ())}))
        {'weight': (2, 3)}
    """
    return {role: store.tensors[key].shape for role, key in layer.tensors.items() if key in store.tensors}


def _bind(text: str, shape: tuple[int, ...], known: Mapping[str, Any], extents: Extents) -> Extents | None:
    """Return the numbers that the names of a stated shape stand for, None if ``shape`` is not such a shape."""
    bound = dict(extents)
    axes = list(shape)
    for star, name, sign, other in _TERM.findall(text):
        if star:
            sizes = known.get(name)
            count = len(sizes) if isinstance(sizes, tuple) else len(axes)
            if len(axes) < count or (isinstance(sizes, tuple) and tuple(axes[:count]) != sizes):
                return None
            del axes[:count]
            continue
        if not axes:
            return None
        extent = axes.pop(0)
        if sign == "*":  # gates*hidden_size: the first name is the factor
            name, other = other, name
        factor = known.get(other, 1) if sign else 1
        if not isinstance(factor, int) or factor < 1:
            return None
        expected = known.get(name, bound.get(name))
        if isinstance(expected, int) and not isinstance(expected, bool):
            if (extent * factor if sign == "/" else extent) != (expected * factor if sign == "*" else expected):
                return None
        elif sign == "*":
            if extent % factor:
                return None
            bound[name] = extent // factor
        elif sign == "/":
            bound[name] = extent * factor
        else:
            bound[name] = extent
    return None if axes else bound
