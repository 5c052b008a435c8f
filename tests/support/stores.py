"""Stores made by hand, for tests of the torch side: layers in a few words, values from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Value
from neutral.operators import catalogue
from neutral.store import Store
from neutral.tensor import Tensor, from_numpy

CONVOLUTION = {
    "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1, "layout": "channels_first",
}  # fmt: skip
BATCH_NORM = {"eps": 1e-5, "momentum": 0.9, "axis": 1, "scale": True, "use_global_stats": False}


class Builder:
    """Collects layers; :meth:`store` gives the store, with a graph that chains them where asked."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.layers: dict[str, Layer] = {}
        self.tensors: dict[str, Tensor] = {}
        self.uses: list[tuple[str, str]] = []

    def layer(
        self,
        name: str,
        kind: str,
        arrays: dict[str, np.ndarray],
        attributes: dict[str, Any] | None = None,
        *,
        node: str | None = None,
        typed_by: str = "graph",
        keys: dict[str, str] | None = None,
    ) -> str:
        tensors = {role: f"{name}.{role}" for role in arrays}
        self.tensors.update({tensors[role]: from_numpy(array) for role, array in arrays.items()})
        tensors.update(keys or {})
        node = node or name
        source = LayerSource(node=node if typed_by == "graph" else None)
        problems = list(catalogue[kind].problems(attributes or {}, complete=typed_by == "graph"))
        assert not problems, problems
        self.layers[name] = Layer(name, kind, attributes or {}, tensors, source, typed_by)
        self.uses.append((node, name))
        return name

    def values(self, *shape: int) -> np.ndarray:
        return self.random.normal(size=shape).astype(np.float32)

    def convolution(
        self, name: str, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True, **changes: Any
    ) -> str:
        groups = changes.get("groups", 1)
        arrays = {"weight": self.values(outputs, inputs // groups, kernel, kernel)}
        if bias:
            arrays["bias"] = self.values(outputs)
        node = changes.pop("node", None)
        attributes = {**CONVOLUTION, "out_channels": outputs, "kernel_size": (kernel, kernel), **changes}
        return self.layer(name, "convolution", arrays, attributes, node=node)

    def batch_norm(self, name: str, channels: int, *, fixed: bool = False, **changes: Any) -> str:
        arrays = {
            "weight": np.ones(channels, np.float32) if fixed else self.values(channels),
            "bias": self.values(channels),
            "running_mean": self.values(channels),
            "running_var": self.values(channels) ** 2 + 0.5,
        }
        return self.layer(name, "batch_norm", arrays, {**BATCH_NORM, "scale": not fixed, **changes})

    def prelu(self, name: str, slopes: int) -> str:
        return self.layer(name, "prelu", {"weight": self.values(slopes)})

    def linear(self, name: str, inputs: int, outputs: int, *, bias: bool = True) -> str:
        arrays = {"weight": self.values(outputs, inputs)}
        if bias:
            arrays["bias"] = self.values(outputs)
        return self.layer(name, "linear", arrays, {"out_features": outputs, "flatten": True})

    def store(self, *, graph: bool = False) -> Store:
        return Store(self.layers, self.tensors, self._chain() if graph else None)

    def _chain(self) -> Graph:
        """Each use of a layer fed with the one before."""
        nodes: list[Node] = []
        for node, layer in self.uses:
            before = Value(nodes[-1].name if nodes else "data")
            kind = self.layers[layer].kind
            nodes.append(Node(node, kind, (before,), self.layers[layer].attributes, layer))
        return Graph((Input("data"),), tuple(nodes), (Value(nodes[-1].name),))
