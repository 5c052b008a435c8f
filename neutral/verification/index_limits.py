"""Find the inputs of a graph that are indices of embeddings, and their ranges."""

from __future__ import annotations

from neutral.graph import Value
from neutral.store import Store


def index_limits(store: Store) -> dict[str, int]:
    """Return the number of rows of the smallest embedding that each input of a graph indexes.

    Args:
        store: A store with a graph.

    Returns:
        The numbers by the input's name; inputs that are not indices are absent.

    Example:
        >>> from neutral.graph import Graph, Input, Layer, Node
        >>> from neutral.tensor import Tensor
        >>> graph = Graph((Input("words"),), (Node("e", "embedding", (Value("words"),), {}, "e"),), (Value("e"),))
        >>> layers = {"e": Layer("e", "embedding", {}, {"weight": "e.weight"})}
        >>> index_limits(Store(layers, {"e.weight": Tensor("F32", (7, 2), ())}, graph))
        {'words': 7}
    """
    assert store.graph is not None
    nodes = {node.name: node for node in store.graph.nodes}
    inputs = {item.name for item in store.graph.inputs}
    limits: dict[str, int] = {}
    for node in store.graph.nodes:
        if node.kind != "embedding" or node.layer is None:
            continue
        key = store.layers[node.layer].tensors.get("weight")
        operand = node.inputs[0]
        while isinstance(operand, Value) and operand.node in nodes and nodes[operand.node].layer is None:
            before = nodes[operand.node].inputs
            operand = before[0] if before else None
        if key is not None and isinstance(operand, Value) and operand.node in inputs:
            rows = store.tensors[key].shape[0]
            limits[operand.node] = min(rows, limits.get(operand.node, rows))
    return limits
