"""Models in memory, as ``neutral verify STORE --to onnx`` runs them."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair
from neutral.store import Store
from neutral_to_onnx.composing import compose
from neutral_to_onnx.files import tensor_proto
from neutral_to_onnx.verification.sessions import OnnxModel


def build(store: Store) -> OnnxModel:
    """Return the model of a store in memory, weights included.

    Args:
        store: A store with a graph.

    Returns:
        The model.

    Raises:
        UnsupportedError: With every node that cannot be expressed exactly.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> build(Store({}, {}, graph)).run({"x": np.float32([-1, 2])})
        [array([0., 2.], dtype=float32)]
    """
    composed = compose(store)
    for name, tensor in composed.initializers.items():
        item = tensor_proto(name, tensor)
        item.raw_data = tensor.numpy().tobytes()
        composed.model.graph.initializer.append(item)
    return OnnxModel(composed.model, None, store.path or "the model")


def plan_of(store: Store) -> Mapping[str, str]:
    """Return the name of the value of each layer and node.

    Args:
        store: A store with a graph.

    Returns:
        Names by layer and node.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> plan_of(Store({}, {}, graph))["act"]
        'act'
    """
    names = compose(store).nodes()
    nodes = store.graph.nodes if store.graph is not None else ()
    layers = {node.layer: names[node.name] for node in nodes if node.layer is not None and node.name in names}
    return {**names, **layers}


def make_plan(model: OnnxModel, store: Store, mapping: Any = None, **options: Any) -> Plan:
    """Return the plan that pairs each layer with its value.

    Args:
        model: The model of the store.
        store: The store.
        mapping: The names of the values by layer; None for those of :func:`plan_of`.
        options: Ignored: names are the same on both sides.

    Returns:
        The plan.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> store = Store({}, {}, graph)
        >>> make_plan(build(store), store).pairs
        ()
    """
    names = mapping if isinstance(mapping, Mapping) else plan_of(store)
    layers = [(layer, names[name]) for name, layer in store.layers.items() if name in names]
    return Plan(tuple(Pair(layer.name, value, layer.kind, "name") for layer, value in layers))
