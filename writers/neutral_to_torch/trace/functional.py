"""Find layers that are calls on the module's parameters: ``F.linear(x, self.weight)``, a chunk of one matrix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Optional, Tuple

from neutral.graph import Layer, Node, Operand, Value
from neutral.matching.network import TensorLayout
from neutral_to_torch.trace.operators import ROLES
from neutral_to_torch.trace.recorder import Call, Record

Tensors = Mapping[str, Tuple[str, TensorLayout]]
"""The name and layout of the module's tensor that each role is in."""

Resolved = Optional[Tuple[str, TensorLayout]]
"""The name and layout of a parameter; None for a value that is not a simple part of one."""


@dataclass
class FunctionalLayers:
    """Turn functional calls on parameters into layers.

    Attributes:
        record: The recorded run.
        shapes: The shape of each tensor of the module.
        taken: The names of layers that the module has.
        nodes: The nodes, with the calls as uses of layers.
        layers: The new layers by name.
        layouts: The layouts of their roles that are parts or transposes of tensors.
    """

    record: Record
    shapes: Mapping[str, tuple[int, ...]]
    taken: frozenset[str]
    nodes: list[Node] = field(default_factory=list)
    layers: dict[str, Layer] = field(default_factory=dict)
    layouts: dict[tuple[str, str], TensorLayout] = field(default_factory=dict)
    _by_name: dict[str, Node] = field(default_factory=dict)
    _position: dict[str, int] = field(default_factory=dict)
    _names: dict[object, str] = field(default_factory=dict)

    def find(self) -> FunctionalLayers:
        """Fill ``nodes``, ``layers`` and ``layouts``."""
        uses: dict[Value, int] = {}
        for node in self.record.graph.nodes:
            for item in node.inputs:
                if isinstance(item, Value):
                    uses[item] = uses.get(item, 0) + 1
        for node in self.record.graph.nodes:
            self._by_name[node.name] = node
            self._add(self._layer(node) or self._with_bias(node, uses) or node)
        return self

    def _add(self, node: Node) -> None:
        self._by_name[node.name] = node
        self._position[node.name] = len(self.nodes)
        self.nodes.append(node)

    def _layer(self, node: Node) -> Node | None:
        call = self.record.calls.get(node.name)
        if call is None:
            return None
        operands = {str(name): item for name, item in zip(call.names, call.arguments) if isinstance(item, Value)}
        if node.kind in ("matmul", "addmm"):
            return self._linear(node, operands)
        kind = "convolution" if node.kind == "transposed_convolution" else node.kind
        if kind not in ROLES or (node.kind == "batch_norm" and not operands.get("running_mean")):
            return None
        resolved = {role: self._resolve(operands[name]) for role, name in ROLES[kind].items() if name in operands}
        tensors = {role: item for role, item in resolved.items() if item is not None}
        if len(tensors) < len(resolved) or not tensors:
            return None
        data = operands["indices" if node.kind == "embedding" else "self" if node.kind == "prelu" else "input"]
        return self._use_layer(node, node.kind, data, tensors, node.attributes)

    def _linear(self, node: Node, operands: Mapping[str, Value]) -> Node | None:
        """Return a product with a matrix of the module, of shape (in, out), as a linear layer."""
        left, right = ("mat1", "mat2") if "mat1" in operands else ("self", "mat2")
        if node.kind == "addmm" and "mat1" not in operands:
            return None
        matrix = self._resolve(operands[right]) if right in operands else None
        if matrix is None or left not in operands:
            return None
        name, layout = matrix
        tensors = {"weight": (name, replace(layout, transposed=not layout.transposed))}
        if node.kind == "addmm":
            bias = self._resolve(operands["self"])
            if bias is None:
                return None
            tensors["bias"] = bias
        return self._use_layer(node, "linear", operands[left], tensors, {})

    def _with_bias(self, node: Node, uses: Mapping[Value, int]) -> Node | None:
        """Make a parameter added to the result of a layer without bias its bias, and the addition an identity."""
        if node.kind != "add" or node.attributes or len(node.inputs) != 2:
            return None
        for data, other in (node.inputs, node.inputs[::-1]):
            bias = self._resolve(other) if isinstance(other, Value) else None
            source = self._source(data, uses)
            if bias is None or source is None or source.layer not in self.layers:
                continue
            layer = self.layers[source.layer]
            if layer.kind not in ("linear", "convolution") or "bias" in layer.tensors:
                continue
            weight = (layer.tensors["weight"], self.layouts.get((layer.name, "weight"), TensorLayout()))
            shape = weight[1].shape(self.shapes[weight[0]])
            if bias[1].shape(self.shapes[bias[0]]) != shape[:1]:
                continue
            tensors = {"weight": weight, "bias": bias}
            data_input = source.inputs[0]
            assert isinstance(data_input, Value)
            use = self._use_layer(source, layer.kind, data_input, tensors, layer.attributes)
            self.nodes[self._position[source.name]] = self._by_name[source.name] = use
            return replace(node, kind="identity", inputs=(data,))
        return None

    def _source(self, value: Operand, uses: Mapping[Value, int]) -> Node | None:
        """Return the node that makes a value, before reshapes, if nothing else uses its output."""
        while isinstance(value, Value) and uses.get(value) == 1 and value.node in self._by_name:
            node = self._by_name[value.node]
            if node.kind not in ("reshape", "identity"):
                return node
            value = node.inputs[0]
        return None

    def _resolve(self, value: Value) -> Resolved:
        """Return the parameter that a value is, or of which it is a range of rows or a transpose."""
        node = self._by_name.get(value.node)
        if node is None:
            return None
        if node.kind == "parameter" and node.layer is not None:
            return node.layer, TensorLayout()
        if node.kind not in ("identity", "reshape", "transpose", "slice", "cast") or not isinstance(
            node.inputs[0], Value
        ):
            return None
        inner = self._resolve(node.inputs[0])
        if inner is None:
            return None
        before, after = self.record.shapes[node.inputs[0]], self.record.shapes[value]
        if node.kind == "reshape":
            return inner if _without_ones(before) == _without_ones(after) else None
        if node.kind == "transpose":
            swapped = len(before) == 2 and before != (1, 1) and after == before[::-1]
            return (inner[0], replace(inner[1], transposed=not inner[1].transposed)) if swapped else None
        if node.kind == "slice":
            return _slice_rows(inner, self.record.calls[node.name], value.output, before, after)
        return inner

    def _use_layer(self, node: Node, kind: str, data: Value, tensors: Tensors, attributes: Mapping[str, Any]) -> Node:
        """Return a node as a use of the layer with these tensors, which is made if necessary."""
        content = (kind, tuple(sorted((role, name, layout) for role, (name, layout) in tensors.items())))
        if content not in self._names:
            name = self._names[content] = self._new_name(kind, tensors)
            self.layers[name] = Layer(
                name,
                kind,
                attributes,
                {role: tensor for role, (tensor, _) in tensors.items()},
                typed_by="user",
            )
            self.layouts.update(
                {(name, role): layout for role, (_, layout) in tensors.items() if layout != TensorLayout()}
            )
        return replace(node, kind=kind, inputs=(data,), attributes=attributes, layer=self._names[content])

    def _new_name(self, kind: str, tensors: Tensors) -> str:
        owners = {name.rpartition(".")[0] for name, _ in tensors.values()}
        plain = all(
            name.rpartition(".")[2] == role and layout == TensorLayout() for role, (name, layout) in tensors.items()
        )
        if len(owners) == 1 and plain and not owners & (self.taken | self.layers.keys()):
            return owners.pop()
        name, layout = tensors["weight"] if "weight" in tensors else next(iter(tensors.values()))
        if layout.rows is not None:
            name = f"{name}[{layout.rows[0]}:{layout.rows[1]}]"
        return name if name not in self.taken | self.layers.keys() else f"{name} as {kind}"


def _slice_rows(
    inner: tuple[str, TensorLayout], call: Call, index: int, before: tuple[int, ...], after: tuple[int, ...]
) -> Resolved:
    """Return a range of rows of a parameter. Running the call on row numbers tells where it begins."""
    name, layout = inner
    if layout.transposed or before[1:] != after[1:] or not before:
        return None
    import torch

    numbers = torch.arange(before[0]).reshape(-1, *(1 for _ in before[1:])).expand(before)
    rows = call.run({item: numbers for item in call.arguments if isinstance(item, Value)})[index]
    first, last = int(rows.reshape(-1)[0]), int(rows.reshape(-1)[-1])
    if last - first + 1 != after[0]:
        return None
    start = layout.rows[0] if layout.rows else 0
    return name, replace(layout, rows=(start + first, start + last + 1))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(extent for extent in shape if extent != 1)
