"""Nodes and layers that are derived from a record: calls on parameters as layers, and operators around them."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any, Mapping, Sequence

import torch

from neutral.graph import Layer, Node, Value
from neutral.matching.layouts import TensorLayout
from neutral_to_torch.trace.parts import Role
from neutral_to_torch.trace.record import Record, make_call


class DerivedGraph:
    """The nodes of a record and those added to them, in order, with the calls and shapes of all.

    Args:
        record: The record, which is not changed.
        shapes: The shape of each tensor of the module.
        taken: The names of layers that the module has.

    Attributes:
        nodes: The nodes by name, in execution order.
        layers: The derived layers by name.
        layouts: The layouts of their roles that are not simply tensors.
    """

    def __init__(self, record: Record, shapes: Mapping[str, tuple[int, ...]], taken: frozenset[str]) -> None:
        self._calls = dict(record.calls)
        self._shapes = dict(record.shapes)
        self._dtypes = dict(record.dtypes)
        self.record = replace(record, calls=self._calls, shapes=self._shapes, dtypes=self._dtypes)
        self.tensor_shapes = shapes
        self.nodes: dict[str, Node] = {}
        self.layers: dict[str, Layer] = {}
        self.layouts: dict[tuple[str, str], TensorLayout] = {}
        self._taken = taken
        self._layer_names: dict[object, str] = {}

    def operator(self, name: str, kind: str, function: Any, *args: Any) -> Value:
        """Add the call of an operator; values among the arguments are its operands.

        Args:
            name: The name of the node; a node of that name is replaced.
            kind: Its kind.
            function: The torch operator.
            args: The positional arguments.

        Returns:
            The operator's only output, with its shape and dtype as torch infers them.
        """
        call = make_call(function, *args)
        operands = tuple(item for item in call.arguments if isinstance(item, Value))
        examples = {item: torch.empty(self._shapes[item], dtype=self._dtypes[item], device="meta") for item in operands}
        (output,) = call.run(examples)
        self._calls[name] = call
        return self._add(Node(name, kind, operands, {}), tuple(output.shape), output.dtype)

    def replace_layer(
        self, node: Node, kind: str, data: Value, roles: Mapping[str, Role], attributes: Mapping[str, Any]
    ) -> Value:
        """Make the use of a layer the use of another one; see :meth:`use_layer`.

        Args:
            node: The node of the layer that is replaced.
            kind: The kind of the new layer.
            data: The operand of the new layer.
            roles: The tensors of the new layer by role.
            attributes: The attributes of the new layer.

        Returns:
            The output of the new layer.
        """
        old, self.nodes[node.name] = node.layer, replace(node, layer=None)
        if old is not None and not any(other.layer == old for other in self.nodes.values()):
            del self.layers[old]
            self.layouts = {place: layout for place, layout in self.layouts.items() if place[0] != old}
            self._layer_names = {content: name for content, name in self._layer_names.items() if name != old}
        return self.use_layer(node, kind, data, roles, attributes)

    def use_layer(
        self, node: Node, kind: str, data: Value, roles: Mapping[str, Role], attributes: Mapping[str, Any]
    ) -> Value:
        """Add a node as a use of the layer with these tensors, which is made if necessary.

        Args:
            node: The node; one of its name is replaced.
            kind: The kind of the layer.
            data: Its operand.
            roles: Its tensors.
            attributes: The attributes of the use.

        Returns:
            The layer's output.
        """
        content = (kind, tuple(sorted((role, *tensor) for role, tensor in roles.items())))
        if content not in self._layer_names:
            name = self._layer_names[content] = self._new_name(kind, roles)
            tensors = {role: tensor for role, (tensor, _) in roles.items()}
            self.layers[name] = Layer(name, kind, attributes, tensors, typed_by="user")
            self.layouts.update({(name, role): layout for role, (_, layout) in roles.items() if not layout.is_whole})
        use = replace(node, kind=kind, inputs=(data,), attributes=attributes, layer=self._layer_names[content])
        return self._add(use, self._shapes.get(Value(node.name)), self._dtypes[data])

    def add(self, node: Node) -> None:
        """Add a node of the record, or replace the one of its name.

        Args:
            node: A node of the record.
        """
        self.nodes[node.name] = node

    def shape(self, value: Value) -> tuple[int, ...]:
        """Return the shape of a value.

        Args:
            value: A value of the graph.

        Returns:
            The extents in the traced run.
        """
        return self._shapes[value]

    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Set the shape of the first output of a node that is about to be added.

        Args:
            name: The name of the node.
            shape: The extents, in the traced run.
        """
        self._shapes[Value(name)] = shape

    def _add(self, node: Node, shape: tuple[int, ...] | None, dtype: torch.dtype) -> Value:
        value = Value(node.name)
        if shape is not None:
            self._shapes[value] = shape
        self._dtypes.setdefault(value, dtype)
        self.nodes[node.name] = node
        return value

    def _new_name(self, kind: str, roles: Mapping[str, Role]) -> str:
        """Return the path of the module that has just these tensors, else a name after the weight."""
        taken = self._taken | self.layers.keys()
        owners = {name.rpartition(".")[0] for name, _ in roles.values()}
        if len(owners) == 1 and not owners & taken and all(self._is_own(role, *roles[role]) for role in roles):
            return owners.pop()
        tensor, layout = roles["weight"] if "weight" in roles else next(iter(roles.values()))
        _, has_rows, rows = str(layout).partition("rows ")
        name = f"{tensor}[{rows}]" if has_rows else tensor
        candidates: Sequence[str] = (name, f"{name} as {kind}")
        number = 2
        while candidates[0] in taken:
            candidates = (*candidates[1:], f"{name} as {kind} {number}")
            number += 1
        return candidates[0]

    def _is_own(self, role: str, tensor: str, layout: TensorLayout) -> bool:
        is_all = layout.is_whole or layout.size == prod(self.tensor_shapes[tensor])
        return is_all and tensor.rpartition(".")[2] == role
