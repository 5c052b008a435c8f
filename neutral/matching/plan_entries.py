"""Entries of a plan: pairs of stored layers and modules, and leftovers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from neutral.matching.attributes import Difference
from neutral.matching.layouts import TensorLayout

_TEXTS = ("layer", "module", "kind", "reason", "detail")


@dataclass(frozen=True)
class Pair:
    """A stored layer and the module that it fills.

    Attributes:
        layer: The name of the stored layer.
        module: The path of the module, "" for the root.
        kind: The catalogue's kind of the stored layer.
        reason: The evidence of the match: ``mapping``, ``name``, ``structure`` or ``activation``.
        detail: Text on the evidence.
        tensors: The name of the parameter or buffer in the module's state dict that each role fills.
        dropped: Stored roles that the module lacks, with the constant (``zeros``, ``ones``) that they hold and that
            has no effect.
        constants: The module's roles that the store lacks, with the constant that fills them.
        differences: The attributes in which the module differs from the stored layer.
        nodes: The nodes of the stored graph that use the layer, in execution order.
        layouts: The layout of each role that is not simply the tensor that it fills.

    Example:
        >>> Pair("fc0", "head", "linear", "name", tensors={"weight": "head.weight"}).is_whole
        True
    """

    layer: str
    module: str
    kind: str
    reason: str
    detail: str = ""
    tensors: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    nodes: tuple[str, ...] = ()
    layouts: Mapping[str, TensorLayout] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether each role fills a tensor of its own name directly below the module."""
        return all(name == child(self.module, role) for role, name in self.tensors.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the pair's table. Roles of a whole pair are names below the module, which an editor may change alone.

        Returns:
            The table, of which :meth:`from_dict` makes an equal pair.
        """
        return {
            **{name: getattr(self, name) for name in _TEXTS},
            "nodes": list(self.nodes),
            **({"roles": list(self.tensors)} if self.is_whole else {"tensors": dict(self.tensors)}),
            **({"layouts": {role: layout.to_dict() for role, layout in self.layouts.items()}} if self.layouts else {}),
            "dropped": dict(self.dropped),
            "constants": dict(self.constants),
            "differences": [_difference_to_dict(difference) for difference in self.differences],
        }

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Pair:
        """Build a pair from its table. Only its layer and module are required.

        Args:
            item: The table, as :meth:`to_dict` gives it and an editor may have changed it.

        Returns:
            The pair.

        Raises:
            KeyError: The layer or the module is missing.
            TypeError: The layer or the module is not a text.
        """
        layer, module = item["layer"], item["module"]
        if not isinstance(layer, str) or not isinstance(module, str):
            raise TypeError("layer and module are texts")
        return cls(
            layer=layer,
            module=module,
            kind=item.get("kind", ""),
            reason=item.get("reason", "mapping"),
            detail=item.get("detail", ""),
            tensors={**{role: child(module, role) for role in item.get("roles", [])}, **item.get("tensors", {})},
            dropped=dict(item.get("dropped", {})),
            constants=dict(item.get("constants", {})),
            differences=tuple(_difference_from_dict(entry) for entry in item.get("differences", [])),
            nodes=tuple(item.get("nodes", [])),
            layouts={role: TensorLayout.from_dict(entry) for role, entry in item.get("layouts", {}).items()},
        )


def child(path: str, name: str) -> str:
    """Return the state dict's name of ``name`` in the module at ``path``.

    Args:
        path: The path of a module, empty for the root.
        name: The name of a parameter, buffer or submodule of it.

    Returns:
        Both, joined by a dot.

    Example:
        >>> child("features.0", "weight"), child("", "weight")
        ('features.0.weight', 'weight')
    """
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class Leftover:
    """A stored layer (or ``layer.role``) that is not used, or a module's tensor that is not filled.

    Attributes:
        name: The layer or tensor.
        why: The reason.
        allowed: Whether strict loading accepts it.

    Example:
        >>> Leftover("bn0.num_batches_tracked", "a counter", allowed=True).allowed
        True
    """

    name: str
    why: str
    allowed: bool = False


def _difference_from_dict(item: Mapping[str, Any]) -> Difference:
    values = [item.get("stored"), item.get("module")]  # TOML has no null: None is left out
    stored, module = (tuple(value) if isinstance(value, list) else value for value in values)
    change, allowed = item.get("change", ""), bool(item.get("allowed", False))
    return Difference(item["attribute"], stored, module, item["effect"], item["applied"], change, allowed)


def _difference_to_dict(difference: Difference) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(difference).items()
        if value is not None and not (name == "change" and not value)
    }
