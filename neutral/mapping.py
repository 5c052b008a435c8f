"""Say where the tensors of stored layers are in weights, by a mapping or by the plan of a load."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping

from neutral.dtypes import FLOATING
from neutral.errors import UsageError
from neutral.graph import Layer
from neutral.matching.layouts import TensorLayout
from neutral.matching.mapping_file import Mappable, check_mapping, resolve_mapping
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import child
from neutral.matching.regroup import parse_grouping
from neutral.matching.rename_patterns import expand_patterns
from neutral.store.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to

if TYPE_CHECKING:
    import numpy as np

COUNTER = "num_batches_tracked"
"""The role in which PyTorch's batch norms count batches; other frameworks have none."""


@dataclass
class Entry:
    """The entry of one layer in a mapping.

    Attributes:
        module: The path before the names of all roles that ``tensors`` does not name; None without one.
        tensors: The names of roles.
        dropped: Roles that the weights lack because they hold a constant (``zeros``, ``ones``).
        constants: Names of the weights' tensors that hold a constant and have no role in the layer.
        layouts: The layouts of roles that are not simply the tensors that they are in.

    Example:
        >>> Entry("backbone.conv1", tensors={"bias": "extra.bias"}).name("weight")
        'backbone.conv1.weight'
    """

    module: str | None = None
    tensors: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, TensorLayout] = field(default_factory=dict)

    def extract(self, role: str, tensor: Tensor, where: str) -> Tensor:
        """Return a role's tensor from the tensor that it is in.

        Args:
            role: The role.
            tensor: The tensor of the weights.
            where: The name of that tensor, for messages.

        Returns:
            The role's tensor, computed when it is read where it is only a part.

        Raises:
            UsageError: The tensor cannot have the layout.
        """
        layout = self.layouts.get(role, TensorLayout())
        problem = layout.problem(tensor.shape)
        if problem:
            raise UsageError(f"the plan's layout of {role} in {where} cannot be: {problem}.")
        return layout.extract(tensor)

    def name(self, role: str) -> str | None:
        """Return the name of a role's tensor, None where the mapping does not tell it.

        Args:
            role: The role.

        Returns:
            The name, such as ``features.0.weight``.
        """
        if role in self.tensors:
            return self.tensors[role]
        return None if self.module is None else child(self.module, role)


def tensors_by_name(store: Store) -> dict[str, Tensor]:
    """Return the tensors by their names in a mapping: ``layer.role``, and the layer's name for a bare parameter.

    Args:
        store: The store; tensors of no layer are left out.

    Returns:
        The tensors by name, in the order of the layers.
    """
    return {
        tensor_name(layer, role): store.tensors[key]
        for layer in store.layers.values()
        for role, key in layer.tensors.items()
    }


def tensor_name(layer: Layer, role: str) -> str:
    """Return the name of a tensor in a mapping: ``layer.role``, or the layer's name for a bare parameter.

    Args:
        layer: The layer.
        role: One of its roles.
    """
    return layer.name if layer.kind == "parameter" and role == "value" else f"{layer.name}.{role}"


def filled(like: Tensor, constant: str) -> Tensor:
    """Return a tensor of ``ones`` or ``zeros`` with the dtype and shape of ``like``.

    Args:
        like: The tensor whose dtype and shape to take; its content is not read.
        constant: ``ones`` or ``zeros``.

    Returns:
        A tensor that is made when it is read.
    """

    def make() -> np.ndarray:
        import numpy as np

        numbers = (np.ones if constant == "ones" else np.zeros)(like.shape, np.float32)
        return cast_to(numbers, like.dtype) if like.dtype in FLOATING else numbers

    return lazy_tensor(like.dtype, like.shape, make)


def read_mapping(mapping: Mappable, layers: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of a mapping by layer.

    Args:
        mapping: A dict, a plan, or the path of a TOML file with either.
        layers: The layers that the mapping may name.

    Returns:
        The entries by layer; layers without one are left out. Layers that the module groups otherwise have the names of
        :mod:`neutral.matching.regroup`; see :func:`neutral.ungrouping.ungroup`.

    Raises:
        UsageError: An entry names an unknown layer, or groups unknown ones.
        SourceError: The file cannot be read, or holds neither a mapping nor a plan of a known version.
    """
    where = os.fspath(mapping) if isinstance(mapping, (str, os.PathLike)) else "the mapping"
    resolved = resolve_mapping(mapping)
    entries = (
        _entries_of_plan(resolved)
        if isinstance(resolved, Plan)
        else _entries_of_lines(check_mapping(resolved or {}, where), layers)
    )
    unknown = next((name for name in entries if name not in layers and parse_grouping(name, layers) is None), None)
    if unknown is not None:
        raise UsageError(f"{where}: the checkpoint has no layer {unknown!r}.")
    return entries


def _entries_of_lines(lines: Mapping[str, str], layers: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of ``"layer" = "module.path"`` and ``"layer.role" = "name of a tensor"``."""
    entries: dict[str, Entry] = {}
    tensors = [f"{name}.{role}" for name, layer in layers.items() for role in getattr(layer, "tensors", ())]
    for name, target in expand_patterns(lines, layers, tensors).items():
        layer, _, role = name.rpartition(".")
        if name not in layers and layer in layers:
            entries.setdefault(layer, Entry()).tensors[role] = target
        else:
            entries.setdefault(name, Entry()).module = target
    return entries


def _entries_of_plan(plan: Plan) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for pair in plan.pairs:
        entry = entries.setdefault(pair.layer, Entry(pair.module))
        entry.tensors.update(pair.tensors)
        entry.dropped.update(pair.dropped)
        entry.layouts.update(pair.layouts)
        entry.constants.update({child(pair.module, role): constant for role, constant in pair.constants.items()})
    return entries
