"""Rewrite a traced network as an equal one that a store may have: other padding, flattened in another order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Collection, Iterator, Mapping

import torch

from neutral.graph import Layer, Node, Value
from neutral.matching.layouts import TensorLayout
from neutral.matching.network import Network
from neutral_to_torch.trace.record import Record, make_call

_ORDER_ONLY = ("identity", "reshape", "transpose")
"""Kinds that keep every element, and give it another place at most."""


@dataclass
class Rewriting:
    """A network and its record while they are rewritten.

    Attributes:
        network: The network.
        record: The record, with the calls of new nodes.
        notes: Texts on the rewrites, for the plan.
        padded: The convolutions whose padding is partly that of an operator, and cannot be set.
    """

    network: Network
    record: Record
    notes: list[str] = field(default_factory=list)
    padded: set[str] = field(default_factory=set)

    def absorb_padding(self) -> None:
        """Make padding with zeros before a convolution the padding of the convolution."""
        for layer, nodes in self._uses("convolution"):
            if "padding" not in layer.attributes or any("kernel_size" not in node.attributes for node in nodes):
                continue  # its type is unknown
            pads = {self._padding(node) for node in nodes}
            amount = pads.pop() if len(pads) == 1 else None
            if amount is None or layer.attributes.get("padding_mode", "zeros") != "zeros":
                continue
            padding = tuple(a + b for a, b in zip(layer.attributes["padding"], amount))
            changed = {node.name: self._unpadded(node, padding) for node in nodes}
            self._replace(changed, {layer.name: layer._replace(attributes={**layer.attributes, "padding": padding})})
            self.padded.add(layer.name)
            self.notes.append(f"{layer.name} takes an input that is padded by {amount}: compared as its own padding")

    def order_flattened(self) -> None:
        """Let linear layers take flattened inputs in the order before they were transposed, their columns permuted."""
        for layer, nodes in self._uses("linear"):
            sources = [self._flattened(node) for node in nodes]
            first = sources[0]
            name = layer.tensors.get("weight")
            if first is None or name is None or any(item is None or not _same(item, first) for item in sources):
                continue
            order = first[1]
            shape = self.network.shape(layer.name, "weight")
            if shape[1:] != tuple(order.shape) or not self.network.layout(layer.name, "weight").is_whole:
                continue
            positions = torch.arange(prod(shape)).reshape(shape)[:, torch.argsort(order)]
            layout = TensorLayout.of_indices(positions.numpy(), self.network.shapes[name])
            if layout is None:
                continue
            changed = {node.name: self._reordered(node, item[0]) for node, item in zip(nodes, sources) if item}
            self._replace(changed, {})
            self.network = replace(self.network, layouts={**self.network.layouts, (layer.name, "weight"): layout})
            text = "takes an input that is transposed before it is flattened: the columns of its weight are permuted"
            self.notes.append(f"{layer.name} {text}")

    def keep_buffers(self, buffers: Mapping[str, torch.Tensor], stored: Collection[tuple[int, ...]]) -> None:
        """Take buffers as constants that keep their values, except those of a shape that the store has.

        Args:
            buffers: The module's buffers by name, with values.
            stored: The shapes of the store's bare tensors, without extents of 1.
        """
        bare = {layer.name for layer in self.network.layers.values() if layer.kind == "parameter"}
        kept = {name for name in bare & buffers.keys() if without_ones(buffers[name].shape) not in stored}
        if not kept or self.network.graph is None:
            return
        examples = dict(self.record.examples)
        changed = {}
        for node in self.network.graph.nodes:
            if node.kind == "parameter" and node.layer in kept:
                changed[node.name] = (replace(node, kind="constant", layer=None),)
                examples[node.name] = buffers[node.layer].detach().clone()
        self._replace(changed, {})
        layers = {name: layer for name, layer in self.network.layers.items() if name not in kept}
        self.network, self.record = replace(self.network, layers=layers), replace(self.record, examples=examples)
        self.notes.append(f"{', '.join(sorted(kept))}: not stored, keeps the value that the module gives it")

    def _uses(self, kind: str) -> Iterator[tuple[Layer, list[Node]]]:
        """Yield the layers of a kind with the nodes that use them."""
        uses: dict[str, list[Node]] = {}
        for node in self._nodes():
            if node.kind == kind and node.layer is not None and node.layer in self.network.layers:
                uses.setdefault(node.layer, []).append(node)
        for name, nodes in uses.items():
            yield self.network.layers[name], nodes

    def _nodes(self) -> tuple[Node, ...]:
        return () if self.network.graph is None else self.network.graph.nodes

    def _source(self, node: Node) -> Node | None:
        """Return the node that makes the data of a node."""
        data = node.inputs[0] if node.inputs else None
        return next((item for item in self._nodes() if isinstance(data, Value) and item.name == data.node), None)

    def _padding(self, node: Node) -> tuple[int, ...] | None:
        """Return the zeros before and after each axis of space of a convolution's input, None where both differ."""
        source = self._source(node)
        call = None if source is None or source.kind != "pad" else self.record.calls.get(source.name)
        rank = len(node.attributes["kernel_size"])
        if call is None or call.function is not torch.ops.aten.constant_pad_nd.default:
            return None
        _, pad, *rest = call.positional()
        value = rest[0] if rest else 0
        if value or len(pad) != 2 * rank or any(a != b or a < 0 for a, b in zip(pad[::2], pad[1::2])):
            return None
        return tuple(reversed(pad[::2]))

    def _unpadded(self, node: Node, padding: tuple[int, ...]) -> tuple[Node, ...]:
        source = self._source(node)
        assert source is not None
        return (replace(node, inputs=source.inputs, attributes={**node.attributes, "padding": padding}),)

    def _flattened(self, node: Node) -> tuple[Value, torch.Tensor] | None:
        """Return the value before a linear layer's input is transposed and flattened, and the order of its elements."""
        data = node.inputs[0]
        assert isinstance(data, Value)
        chain: list[Node] = []
        source = self._source(node)
        while source is not None and source.kind in _ORDER_ONLY and isinstance(source.inputs[0], Value):
            chain.append(source)
            source = self._source(source)
        if not chain:
            return None
        value = chain[-1].inputs[0]
        assert isinstance(value, Value)
        before, after = self.record.shapes[value], self.record.shapes[data]
        if len(before) < 3 or len(after) != 2 or before[0] != after[0]:
            return None
        places = torch.arange(prod(before)).reshape(before)
        for item in reversed(chain):
            call = self.record.calls.get(item.name)
            if call is not None and item.kind != "identity":
                places = call.run({operand: places for operand in item.inputs if isinstance(operand, Value)})[0]
        rows = torch.arange(after[0])[:, None] * after[1]
        if not torch.equal(places, places[:1] + rows) or int(places[0].max()) >= after[1]:
            return None
        return None if torch.equal(places[0], torch.arange(after[1])) else (value, places[0])

    def _reordered(self, node: Node, value: Value) -> tuple[Node, ...]:
        """Return a node that flattens a value, and the layer on it."""
        flat = Node(f"{node.name}:flattened", "reshape", (value,), {})
        shape = self.record.shapes[value]
        target = (shape[0], prod(shape[1:]))
        calls = {**self.record.calls, flat.name: make_call(torch.ops.aten.reshape.default, value, list(target))}
        output = Value(flat.name)
        self.record = replace(
            self.record,
            calls=calls,
            shapes={**self.record.shapes, output: target},
            dtypes={**self.record.dtypes, output: self.record.dtypes[value]},
        )
        return flat, replace(node, inputs=(output,))

    def _replace(self, changed: Mapping[str, tuple[Node, ...]], layers: Mapping[str, Layer]) -> None:
        assert self.network.graph is not None
        nodes = tuple(new for node in self._nodes() for new in changed.get(node.name, (node,)))
        graph = replace(self.network.graph, nodes=nodes)
        self.network = replace(self.network, graph=graph, layers={**self.network.layers, **layers})


def without_ones(shape: Any) -> tuple[int, ...]:
    """Return a shape without extents of 1.

    Args:
        shape: The extents.

    Returns:
        The other extents, in order.
    """
    return tuple(extent for extent in shape if extent != 1)


def _same(first: tuple[Value, torch.Tensor], second: tuple[Value, torch.Tensor]) -> bool:
    return torch.equal(first[1], second[1])
