"""Find the elements of the module's tensors that a recorded value consists of."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Mapping, NamedTuple, Tuple

import torch

from neutral.graph import Node, Value
from neutral.matching.layouts import TensorLayout
from neutral_to_torch.trace.record import Record

Role = Tuple[str, TensorLayout]
"""The name and layout of the module's tensor that a role is in."""

LAYOUT_ONLY = ("identity", "reshape", "transpose", "slice", "cast", "broadcast_to")
"""Kinds of operators that may be between a tensor of the module and its use as a role."""


class Part(NamedTuple):
    """A value that consists of elements of a tensor of the module.

    Attributes:
        name: The name of the tensor.
        shape: The shape of the value.
        indices: The position in the tensor of each element; None where the value is the tensor.
    """

    name: str
    shape: tuple[int, ...]
    indices: torch.Tensor | None

    def positions(self) -> torch.Tensor:
        """Return the position of each element, in the value's shape, without axes along which all are the same.

        Returns:
            An integer tensor.
        """
        if self.indices is None:
            return torch.arange(prod(self.shape)).reshape(self.shape)
        positions = self.indices
        for axis, extent in enumerate(positions.shape):
            first = positions.narrow(axis, 0, 1)
            if extent > 1 and bool((positions == first).all()):
                positions = first
        return positions


@dataclass(frozen=True)
class Parts:
    """The values of a record that are parts of tensors.

    Attributes:
        record: The record.
        nodes: Its nodes by name, which may be replaced while the parts are used.
        shapes: The shape of each tensor of the module.
    """

    record: Record
    nodes: Mapping[str, Node]
    shapes: Mapping[str, tuple[int, ...]]

    def of(self, value: Value) -> Part | None:
        """Return the part that a value is, None for a value that is computed otherwise.

        Args:
            value: A value of the traced graph.

        Returns:
            The parameter and the elements of it that the value has.
        """
        node = self.nodes.get(value.node)
        if node is None:
            return None
        if node.kind == "parameter" and node.layer is not None:
            return Part(node.layer, self.shapes[node.layer], None)
        if node.kind == "multiply" and node.inputs[1:] == (1,) and isinstance(node.inputs[0], Value):
            return self.of(node.inputs[0])
        if node.kind not in LAYOUT_ONLY or not node.inputs or not isinstance(node.inputs[0], Value):
            return None
        source = self.of(node.inputs[0])
        call = self.record.calls.get(node.name)
        if source is None or call is None or node.kind in ("identity", "cast"):
            return source
        positions = source.indices
        if positions is None:
            positions = torch.arange(prod(source.shape)).reshape(source.shape)
        indices = call.run({node.inputs[0]: positions})[value.output]
        return Part(source.name, tuple(indices.shape), indices)

    def role(self, part: Part, positions: torch.Tensor | None = None) -> Role | None:
        """Return a part as a role.

        Args:
            part: The part.
            positions: The position of each element of the role, in the role's shape; None for those of the part.

        Returns:
            None where the elements are not a strided view of the tensor.
        """
        if positions is None:
            if part.indices is None:
                return part.name, TensorLayout()
            positions = part.positions()
        if not positions.numel():
            return None
        layout = TensorLayout.of_indices(positions.contiguous().numpy(), self.shapes[part.name])
        return None if layout is None else (part.name, layout)

    def vector(self, part: Part) -> Role | None:
        """Return a part as a role of one axis.

        Args:
            part: A part of a parameter.

        Returns:
            The parameter's name and the layout of its elements in the role.
        """
        if part.indices is None and len(part.shape) == 1:
            return part.name, TensorLayout()
        return self.role(part, part.positions().reshape(-1))
