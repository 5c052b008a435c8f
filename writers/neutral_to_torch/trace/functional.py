"""Find layers that are calls on the module's parameters: ``F.linear(x, w)``, ``x @ w + b``, a chunk of a matrix."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Mapping, Sequence

import torch

from neutral.graph import Layer, Node, Operand, Value
from neutral.matching.layouts import TensorLayout
from neutral_to_torch.trace.derived import DerivedGraph
from neutral_to_torch.trace.operators import ROLES
from neutral_to_torch.trace.parts import Part, Parts, Role
from neutral_to_torch.trace.record import Record

_FACTORS = (("mat1", "mat2"), ("batch1", "batch2"), ("self", "mat2"), ("self", "other"))
"""The names of the factors of torch's matrix products."""

_DATA = {"embedding": "indices", "prelu": "self"}
"""The name of the argument with the data, where that is not ``input``."""


class FunctionalLayers:
    """Turns functional calls on parameters into layers.

    Args:
        record: The recorded run.
        shapes: The shape of each tensor of the module.
        taken: The names of layers that the module has.

    Attributes:
        graph: The nodes, with the calls as uses of layers, and the layers.
    """

    def __init__(self, record: Record, shapes: Mapping[str, tuple[int, ...]], taken: frozenset[str]) -> None:
        self.graph = DerivedGraph(record, shapes, taken)
        self.parts = Parts(self.graph.record, self.graph.nodes, shapes)
        self._uses: dict[Value, int] = {}
        self._users: dict[Value, Node] = {}
        for node in record.graph.nodes:
            for item in node.inputs:
                if isinstance(item, Value):
                    self._uses[item] = self._uses.get(item, 0) + 1
                    self._users[item] = node
        for item in record.graph.outputs:
            self._uses[item] = self._uses.get(item, 0) + 1

    def find(self) -> DerivedGraph:
        """Return the derived graph."""
        for node in self.graph.record.graph.nodes:
            if not (self._add_layer(node) or self._add_bias(node)):
                self.graph.add(node)
        return self.graph

    def _add_layer(self, node: Node) -> bool:
        """Add a node as a layer if it is one."""
        call = self.graph.record.calls.get(node.name)
        if call is None:
            return False
        operands = {str(name): item for name, item in zip(call.names, call.arguments) if isinstance(item, Value)}
        if node.kind in ("matmul", "addmm"):
            return self._add_product(node, operands)
        kind = "convolution" if node.kind == "transposed_convolution" else node.kind
        if kind not in ROLES or (node.kind == "batch_norm" and not operands.get("running_mean")):
            return False
        roles: dict[str, Role] = {}
        for role, argument in ROLES[kind].items():
            if argument in operands:
                part = self.parts.of(operands[argument])
                is_vector = role != "weight" or kind == "prelu"
                tensor = None if part is None else self.parts.vector(part) if is_vector else self.parts.role(part)
                if tensor is None:
                    return False
                roles[role] = tensor
        if roles:
            self.graph.use_layer(node, node.kind, operands[_DATA.get(kind, "input")], roles, node.attributes)
        return bool(roles)

    def _add_product(self, node: Node, operands: Mapping[str, Value]) -> bool:
        """Add a product with a matrix of the module as a linear layer, with other operators around it if needed."""
        names = next((names for names in _FACTORS if set(names) <= operands.keys()), None)
        if names is None:
            return False
        left, right = operands[names[0]], operands[names[1]]
        bias = operands["self"] if node.kind == "addmm" else None
        part = self.parts.of(right)
        if part is not None:
            positions = part.positions().mT
            if positions.dim() == 3 and positions.shape[0] > 1:
                return self._add_stack(node, left, part, positions, bias)
            weight = self._matrix(part, positions)
            return weight is not None and self._add_linear(node, left, weight, bias)
        part = self.parts.of(left)
        weight = None if part is None or bias is not None else self._matrix(part, part.positions())
        return weight is not None and self._add_flipped(node, right, weight)

    def _matrix(self, part: Part, positions: torch.Tensor) -> Role | None:
        """Return a role of two axes; leading ones of extent 1 are left out."""
        if positions.dim() < 2 or prod(positions.shape[:-2]) != 1:
            return None
        return self.parts.role(part, positions.reshape(positions.shape[-2:]))

    def _add_linear(self, node: Node, data: Value, weight: Role, bias: Value | None) -> bool:
        """Add a linear layer; with a bias that is not one, an addition to the layer's output."""
        roles = {"weight": weight}
        part = None if bias is None else self.parts.of(bias)
        vector = None if part is None else self._vector(part, self._rows(weight))
        if vector is not None:
            roles["bias"] = vector
        rows, shape = self._unflattened(node, data), self.graph.shape(Value(node.name))
        is_sum = bias is not None and vector is None
        if rows == data and not is_sum:
            self.graph.use_layer(node, "linear", data, roles, {})
            return True
        name = f"{node.name}:linear"
        self.graph.set_shape(name, (*self.graph.shape(rows)[:-1], shape[-1]))
        product = self.graph.use_layer(replace(node, name=name), "linear", rows, roles, {})
        if rows != data:
            reshape, target = torch.ops.aten.reshape.default, list(shape)
            product = self.graph.operator(f"{name}:rows" if is_sum else node.name, "reshape", reshape, product, target)
        if bias is not None and is_sum:
            self.graph.operator(node.name, "add", torch.ops.aten.add.Tensor, bias, product)
        return True

    def _unflattened(self, node: Node, data: Value) -> Value:
        """Return the value whose leading axes were merged for a product, which takes matrices only, or split by one."""
        source = self.graph.nodes.get(data.node)
        if source is not None and source.kind == "reshape" and isinstance(source.inputs[0], Value):
            before = source.inputs[0]
            if self.graph.shape(before)[-1:] == self.graph.shape(data)[-1:] and len(self.graph.shape(before)) > 1:
                return before
        if len(self.graph.shape(data)) == 3 and self.graph.shape(data)[0] == 1:
            return self.graph.operator(f"{node.name}:data", "reshape", torch.ops.aten.squeeze.dim, data, 0)
        rows, output = self.graph.shape(data), Value(node.name)
        user = self._users.get(output)
        if len(rows) == 2 and user is not None and user.kind == "reshape" and self._uses[output] == 1:
            after = self.graph.shape(Value(user.name))
            if len(after) > 2 and after[-1] == self.graph.shape(output)[-1]:
                shape = [*after[:-1], rows[-1]]
                return self.graph.operator(f"{node.name}:data", "reshape", torch.ops.aten.reshape.default, data, shape)
        return data

    def _add_flipped(self, node: Node, data: Value, weight: Role) -> bool:
        """Add the product of a matrix of the module with data to its right: a linear layer between transposes."""
        transpose = torch.ops.aten.transpose.int
        rows = self.graph.operator(f"{node.name}:data", "transpose", transpose, data, -2, -1)
        name, shape = f"{node.name}:linear", self.graph.shape(Value(node.name))
        self.graph.set_shape(name, (*shape[:-2], shape[-1], shape[-2]))
        product = self.graph.use_layer(replace(node, name=name), "linear", rows, {"weight": weight}, {})
        self.graph.operator(node.name, "transpose", transpose, product, -2, -1)
        return True

    def _add_stack(self, node: Node, data: Value, part: Part, positions: torch.Tensor, bias: Value | None) -> bool:
        """Add a product with a stack of matrices as a linear layer for each of them."""
        weights = [weight for matrix in positions if (weight := self._matrix(part, matrix)) is not None]
        terms = None if bias is None else self.parts.of(bias)
        biases = [None] * len(weights) if terms is None else self._stacked_biases(terms, weights)
        if len(weights) < len(positions) or (bias is not None and None in biases):
            return False
        products = []
        for index, (weight, vector) in enumerate(zip(weights, biases)):
            roles = {"weight": weight} if vector is None else {"weight": weight, "bias": vector}
            item = self.graph.operator(f"{node.name}:data{index}", "slice", torch.ops.aten.select.int, data, 0, index)
            name = f"{node.name}:linear{index}"
            self.graph.set_shape(name, self.graph.shape(Value(node.name))[1:])
            use = replace(node, name=name)
            products.append(self.graph.use_layer(use, "linear", item, roles, {}))
        self.graph.operator(node.name, "stack", torch.ops.aten.stack.default, products, 0)
        return True

    def _stacked_biases(self, part: Part, weights: Sequence[Role]) -> list[Role | None]:
        """Return the bias of each layer of a stack from a term (layers, 1, out); none where it is not that."""
        positions = part.positions()
        if positions.dim() != 3 or positions.shape[:2] != (len(weights), 1):
            return [None] * len(weights)
        biases = []
        for weight, row in zip(weights, positions):
            bias = self.parts.role(part, row.reshape(-1))
            is_bias = bias is not None and bias[1].shape(self.graph.tensor_shapes[bias[0]]) == (self._rows(weight),)
            biases.append(bias if is_bias else None)
        return biases

    def _add_stacked_bias(self, node: Node, data: Operand, part: Part | None) -> bool:
        """Make a parameter added to a stack of layers their biases, and the addition an identity."""
        stack = self._private_node(data)
        while stack is not None and stack.kind == "reshape" and self._keeps_shape(stack):
            stack = self._private_node(stack.inputs[0])
        if part is None or stack is None or stack.kind != "stack":
            return False
        uses = [self.graph.nodes[item.node] for item in stack.inputs if isinstance(item, Value)]
        layers = [self.graph.layers.get(use.layer or "") for use in uses]
        if any(layer is None or "bias" in layer.tensors for layer in layers):
            return False
        weights = [self._weight(layer) for layer in layers if layer is not None]
        biases = self._stacked_biases(part, weights)
        if None in biases:
            return False
        for use, weight, bias in zip(uses, weights, biases):
            operand = use.inputs[0]
            assert isinstance(operand, Value) and bias is not None
            self.graph.replace_layer(use, "linear", operand, {"weight": weight, "bias": bias}, {})
        self.graph.add(replace(node, kind="identity", inputs=(data,)))
        return True

    def _private_node(self, value: Operand) -> Node | None:
        """Return the node that makes a value, None where other nodes use it."""
        is_private = isinstance(value, Value) and self._uses.get(value, 1) == 1
        return self.graph.nodes.get(value.node) if is_private and isinstance(value, Value) else None

    def _keeps_shape(self, node: Node) -> bool:
        source = node.inputs[0]
        return isinstance(source, Value) and self.graph.shape(source) == self.graph.shape(Value(node.name))

    def _weight(self, layer: Layer) -> Role:
        """Return the role of a derived layer's weight."""
        return layer.tensors["weight"], self.graph.layouts.get((layer.name, "weight"), TensorLayout())

    def _add_bias(self, node: Node) -> bool:
        """Make a parameter added to the output of a layer without bias its bias, and the addition an identity."""
        if node.kind != "add" or node.attributes or len(node.inputs) != 2:
            return False
        for data, other in (node.inputs, node.inputs[::-1]):
            if isinstance(other, Value) and self._add_stacked_bias(node, data, self.parts.of(other)):
                return True
            part = self.parts.of(other) if isinstance(other, Value) else None
            chain = self._chain_to_layer(data) if part is not None else []
            layer = self.graph.layers.get(chain[-1].layer or "") if chain else None
            if part is None or layer is None or "bias" in layer.tensors:
                continue
            weight = self._weight(layer)
            bias = self._vector(part, self._rows(weight))
            operand = chain[-1].inputs[0]
            if bias is not None and isinstance(operand, Value) and self._is_along_channels(chain, part.shape):
                roles = {"weight": weight, "bias": bias}
                self.graph.replace_layer(chain[-1], layer.kind, operand, roles, layer.attributes)
                self.graph.add(replace(node, kind="identity", inputs=(data,)))
                return True
        return False

    def _is_along_channels(self, chain: list[Node], shape: tuple[int, ...]) -> bool:
        """Return whether a term of the given shape adds one number to each channel of a layer.

        Args:
            chain: The operators that rearrange the output of the layer, the last first, and the layer.
            shape: The shape of the term.
        """
        *operators, layer = chain
        value = Value(layer.name)
        extents = self.graph.shape(value)
        axis = len(extents) - 1 if layer.kind == "linear" else 1
        numbers = torch.arange(extents[axis]).reshape(-1, *(1 for _ in extents[axis + 1 :])).expand(extents)
        for node in reversed(operators):
            call = self.graph.record.calls.get(node.name)
            if call is not None and node.kind != "identity":
                numbers = call.run({value: numbers})[0]
            value = Value(node.name)
        ends = zip(reversed(shape), reversed(numbers.shape))
        if len(shape) > numbers.dim() or not all(extent in (1, whole) for extent, whole in ends):
            return False
        return torch.equal(torch.arange(prod(shape)).reshape(shape).expand(numbers.shape), numbers)

    def _vector(self, part: Part, count: int) -> Role | None:
        """Return a part as a role of one axis with so many elements, None where it has another number."""
        vector = self.parts.vector(part)
        if vector is None or vector[1].shape(self.graph.tensor_shapes[vector[0]]) != (count,):
            return None
        return vector

    def _rows(self, weight: Role) -> int:
        return weight[1].shape(self.graph.tensor_shapes[weight[0]])[0]

    def _chain_to_layer(self, value: Operand) -> list[Node]:
        """Return the operators that rearrange the output of a layer to a value, the last first, and the layer.

        Nothing else uses the output; without such a layer the list is empty.
        """
        chain: list[Node] = []
        while isinstance(value, Value) and self._uses.get(value, 1) == 1 and value.node in self.graph.nodes:
            node = self.graph.nodes[value.node]
            chain.append(node)
            if node.kind in ("linear", "convolution"):
                return chain
            if node.kind not in ("reshape", "identity", "transpose"):
                break
            value = node.inputs[0]
        return []
