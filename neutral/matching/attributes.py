"""Attributes in which a module differs from the stored layer, and what that changes."""

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
"""What a difference changes: ``training`` only; the ``layout`` of the data that the layer takes and gives, the numbers
being the same; every other one the results of ``inference``."""

OF_SHAPES = {"out_channels", "kernel_size", "out_features", "num_embeddings", "embedding_dim", "hidden_size"}
"""What the shapes of the tensors say already, and those have been compared."""


@dataclass(frozen=True)
class Difference:
    """An attribute whose value in the module is not the stored one. ``applied``: the module has been given it."""

    attribute: str
    stored: Any
    module: Any
    effect: str
    applied: bool = False

    def __str__(self) -> str:
        text = f"{self.attribute} {_text(self.stored)}"
        return f"{text} (set)" if self.applied else f"{text}, the module's {_text(self.module)} [{self.effect}]"


def differences(stored: Layer, module: Layer, implied: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Attributes that both sides have, or whose meaning the catalogue fixes, and that are not equal."""
    given: Mapping[str, Any] = {**implied, **stored.attributes}
    skipped = set(OF_SHAPES)
    if given.get("output_size") is not None:
        skipped |= {"padding", "output_padding"}  # the output's size decides them
    if given.get("num_layers") == 1:
        skipped.add("dropout")  # it is between layers
    if given.get("scale"):
        skipped.add("scale")  # a weight that the user froze is no difference
    return tuple(
        Difference(name, given[name], value, EFFECTS.get(name, "inference"))
        for name, value in module.attributes.items()
        if name in given and name not in skipped and not _equal(given[name], value)
    )


def _equal(stored: Any, module: Any) -> bool:
    """Floats are compared as float32 would: the source may have rounded them."""
    if isinstance(stored, float) and isinstance(module, (float, int)):
        return math.isclose(stored, module, rel_tol=1e-6)
    if isinstance(stored, tuple) and isinstance(module, tuple):
        return len(stored) == len(module) and all(map(_equal, stored, module))
    return bool(stored == module)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
