"""Compare the attributes of a module with those of the stored layer, and classify the differences by their effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping

from neutral.graph import Layer

EFFECTS = {
    "momentum": "training",
    "dropout": "training",
    "scale": "training",
    "use_global_stats": "training",
    "layout": "layout",
    "axis": "layout",
    "batch_first": "layout",
}
"""The effect of a different attribute: on ``training`` only, or on the ``layout`` of the layer's inputs and outputs,
with the same values. Every other one changes the results of ``inference``."""

CONSEQUENCES = {
    "training": "changes training, not inference",
    "layout": "takes and gives data in another layout",
    "inference": "changes the results",
}

SHAPE_ATTRIBUTES = {
    "out_channels",
    "kernel_size",
    "out_features",
    "num_embeddings",
    "embedding_dim",
    "hidden_size",
}
"""Attributes that the shapes of the tensors imply. Shapes are compared on their own."""


@dataclass(frozen=True)
class Difference:
    """An attribute whose value in the module is not the stored one.

    Attributes:
        attribute: The attribute's name in the catalogue.
        stored: The stored value.
        module: The module's value.
        effect: ``training``, ``layout`` or ``inference``; see :data:`EFFECTS`.
        applied: Whether the module has been given the stored value.
        change: The change of the module's source that gives it the stored value, "" where that is unknown.
        allowed: Whether strict loading accepts it.

    Example:
        >>> print(Difference("scale", False, True, "training"))
        scale is False in the store and True in the module: changes training, not inference
        >>> print(Difference("eps", 0.001, 1e-05, "inference", applied=True))
        eps 0.001 (set; not in the weights)
    """

    attribute: str
    stored: Any
    module: Any
    effect: str
    applied: bool = False
    change: str = ""
    allowed: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether strict loading refuses it: the module would compute something else."""
        return self.effect == "inference" and not self.applied and not self.allowed

    def __str__(self) -> str:
        stored, module = _text(self.stored), _text(self.module)
        if self.applied:
            return f"{self.attribute} {stored} (set; not in the weights)"
        consequence = CONSEQUENCES.get(self.effect, self.effect)
        allowed = " (allowed)" if self.allowed else ""
        return f"{self.attribute} is {stored} in the store and {module} in the module: {consequence}{allowed}"


def differences(stored: Layer, module: Layer, implied: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Compare the attributes that both layers have.

    Args:
        stored: The stored layer.
        module: The module's layer.
        implied: Values of attributes that the stored kind does not have because its meaning fixes them.

    Returns:
        The attributes with other values, in the module's order.

    Example:
        >>> stored = Layer("bn", "batch_norm", {"eps": 1e-3, "axis": 1}, {})
        >>> module = Layer("norm", "batch_norm", {"eps": 1e-5, "axis": 1}, {})
        >>> [item.attribute for item in differences(stored, module, {})]
        ['eps']
    """
    values: Mapping[str, Any] = {**implied, **stored.attributes}
    skipped = set(SHAPE_ATTRIBUTES)
    if values.get("output_size") is not None:
        skipped |= {"padding", "output_padding"}  # the output size decides them
    if values.get("num_layers") == 1:
        skipped.add("dropout")  # dropout is between layers
    if values.get("scale"):
        skipped.add("scale")  # a weight that the user froze is not a difference
    return tuple(
        Difference(name, values[name], value, EFFECTS.get(name, "inference"))
        for name, value in module.attributes.items()
        if name in values and name not in skipped and not _are_equal(values[name], value)
    )


def _are_equal(stored: Any, module: Any) -> bool:
    """Compare floats as float32 would: the source may have rounded them."""
    if isinstance(stored, float) and isinstance(module, (float, int)):
        return math.isclose(stored, module, rel_tol=1e-6)
    if isinstance(stored, tuple) and isinstance(module, tuple):
        return len(stored) == len(module) and all(map(_are_equal, stored, module))
    return bool(stored == module)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
