"""Graphs and stores made by hand in a few words, with weights from a seed."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Operand, Value
from neutral.operators import catalogue
from neutral.store import Store
from neutral.tensor import Tensor, from_numpy


class GraphBuilder:
    """Adds nodes one by one; every method gives the value that the node makes.

    ``channels`` are followed so that a network is written as briefly as on paper.
    """

    def __init__(self, seed: int = 0, prefix: str = "") -> None:
        self.random = np.random.default_rng(seed)
        self.prefix = prefix
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.layers: dict[str, Layer] = {}
        self.tensors: dict[str, Tensor] = {}
        self.channels: dict[Operand, int] = {}
        self.count = 0

    def input(self, name: str = "data", shape: tuple[int | None, ...] | None = (None, 3, 32, 32)) -> Value:
        self.inputs.append(Input(name, shape))
        value = Value(name)
        if shape is not None and len(shape) > 1 and shape[1] is not None:
            self.channels[value] = shape[1]
        return value

    def node(
        self,
        kind: str,
        *inputs: Operand,
        name: str | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        layer: str | None = None,
        computed: Mapping[str, Value] | None = None,
        channels: int | None = None,
        **attributes: Any,
    ) -> Value:
        self.count += 1
        name = self.prefix + (name or f"{kind}{self.count}")
        assert not list(catalogue[kind].problems(attributes)), list(catalogue[kind].problems(attributes))
        if arrays is not None:
            layer = self.layer(name, kind, arrays, attributes)
        self.nodes.append(Node(name, kind, inputs, attributes, layer, computed or {}))
        value = Value(name)
        if channels or (inputs and inputs[0] in self.channels):
            self.channels[value] = channels or self.channels[inputs[0]]
        return value

    def layer(
        self,
        name: str,
        kind: str,
        arrays: Mapping[str, np.ndarray],
        attributes: Mapping[str, Any],
        keys: Mapping[str, str] | None = None,
    ) -> str:
        tensors = {role: (keys or {}).get(role, f"{name}.{role}") for role in arrays}
        self.tensors.update({tensors[role]: from_numpy(array) for role, array in arrays.items()})
        self.layers[name] = Layer(name, kind, dict(attributes), tensors, LayerSource(name))
        return name

    def values(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def conv(
        self,
        x: Value,
        out: int,
        kernel: int | tuple[int, ...] = 3,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
        name: str | None = None,
        rank: int = 2,
        **changes: Any,
    ) -> Value:
        size = kernel if isinstance(kernel, tuple) else (kernel,) * rank
        inside = self.channels[x] // groups
        arrays = {"weight": self.values(out, inside, *size, scale=(inside * np.prod(size)) ** -0.5)}
        if bias:
            arrays["bias"] = self.values(out)
        attributes = {
            "out_channels": out,
            "kernel_size": size,
            "stride": (stride,) * rank,
            "padding": tuple(k // 2 if padding is None else padding for k in size),
            "dilation": (1,) * rank,
            "groups": groups,
            "layout": "channels_first",
            **changes,
        }
        return self.node("convolution", x, name=name, arrays=arrays, channels=out, **attributes)

    def bn(self, x: Value, name: str | None = None, **changes: Any) -> Value:
        channels = self.channels[x]
        scale = changes.get("scale", True)
        arrays = {
            "weight": self.values(channels) + 1 if scale else np.ones(channels, np.float32),
            "bias": self.values(channels),
            "running_mean": self.values(channels),
            "running_var": np.abs(self.values(channels)) + 0.5,
        }
        attributes = {"eps": 1e-5, "momentum": 0.9, "axis": 1, "scale": scale, "use_global_stats": False}
        return self.node("batch_norm", x, name=name, arrays=arrays, **{**attributes, **changes})

    def relu(self, x: Value, name: str | None = None) -> Value:
        return self.node("relu", x, name=name)

    def add(self, x: Operand, y: Operand, name: str | None = None) -> Value:
        return self.node("add", x, y, name=name)

    def concat(self, *items: Value, axis: int = 1, name: str | None = None) -> Value:
        channels = sum(self.channels[item] for item in items)
        return self.node("concatenate", *items, name=name, axis=axis, channels=channels)

    def linear(
        self,
        x: Value,
        out: int,
        features: int | None = None,
        flatten: bool = True,
        bias: bool = True,
        name: str | None = None,
    ) -> Value:
        features = features or self.channels[x]
        arrays = {"weight": self.values(out, features, scale=features**-0.5)}
        if bias:
            arrays["bias"] = self.values(out)
        attributes = {"out_features": out, "flatten": flatten}
        return self.node("linear", x, name=name, arrays=arrays, channels=out, **attributes)

    def conv_bn_relu(self, x: Value, out: int, *args: Any, name: str = "", **options: Any) -> Value:
        number = self.count
        named = {kind: f"{name}{kind}" if name else f"{kind}{number}" for kind in ("conv", "bn", "relu")}
        x = self.conv(x, out, *args, name=named["conv"], **options)
        return self.relu(self.bn(x, name=named["bn"]), name=named["relu"])

    def store(self, *outputs: Value) -> Store:
        graph = Graph(tuple(self.inputs), tuple(self.nodes), outputs or (Value(self.nodes[-1].name),))
        return Store(self.layers, self.tensors, graph)
