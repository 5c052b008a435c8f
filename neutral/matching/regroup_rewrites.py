"""Rewrites of a store that split, join and fold layers, with its graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable, Mapping

from neutral.graph import Graph, Layer, LayerSource, Node, Operand, Value
from neutral.rewriting import UseDef, resolve, resolve_all
from neutral.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to, numeric_values

if TYPE_CHECKING:
    import numpy as np

OUTPUT_SIZE = {"linear": "out_features", "convolution": "out_channels"}
"""The kinds that can be regrouped, and the attribute that holds their number of rows."""


@dataclass
class _Replacement:
    """Nodes in the place of old ones.

    Attributes:
        nodes: The new nodes.
        values: The new value of each old one.
        removed: The names of further nodes to remove.
    """

    nodes: list[Node]
    values: dict[Value, Value] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


def row_count(store: Store, layer: Layer) -> int:
    """Return the number of rows of a layer's weight, which is that of its outputs.

    Args:
        store: The store of the layer.
        layer: A layer with a weight whose first axis is that of its outputs.

    Returns:
        The first extent of the weight.

    Example:
        >>> layer = Layer("fc", "linear", {}, {"weight": "w"})
        >>> row_count(Store({"fc": layer}, {"w": Tensor("F32", (6, 2), ())}), layer)
        6
    """
    return store.tensors[layer.tensors["weight"]].shape[0]


def output_ranges(node: Node, layer: Layer, rows: int) -> dict[int, tuple[int, int]]:
    """Return the range of the layer's rows that each output of a node is, where it cuts along the channels.

    Args:
        node: A node that uses the layer's result.
        layer: A linear layer or a convolution.
        rows: The layer's number of rows.

    Returns:
        Ranges (start, end) by output; nothing where the node does not cut along the channels.

    Example:
        >>> node = Node("parts", "split", (Value("qkv"),), {"axis": -1, "parts": 3})
        >>> output_ranges(node, Layer("qkv", "linear", {"flatten": False}, {}), 12)
        {0: (0, 4), 1: (4, 8), 2: (8, 12)}
    """
    channel_axis = _channel_axis(layer)

    def is_channels(axis: int) -> bool:
        return axis in (1, -1) if channel_axis == 1 else axis == -1 or axis > 1

    if node.kind == "split" and is_channels(node.attributes["axis"]):
        count = node.attributes["parts"]
        return {part: (part * rows // count, (part + 1) * rows // count) for part in range(count)}
    if node.kind == "slice" and len(node.attributes["axes"]) == 1 and is_channels(node.attributes["axes"][0]):
        start, end, step = (node.attributes[name][0] for name in ("starts", "ends", "steps"))
        cut = range(rows)[start:end:step]
        return {0: (cut.start, cut.stop)} if step == 1 and len(cut) else {}
    return {}


def split_layer(store: Store, name: str, new_names: Mapping[tuple[int, int], str]) -> Store:
    """Split a layer into layers of ranges of its rows.

    Args:
        store: The store.
        name: A linear layer or a convolution.
        new_names: The name of the new layer of each range (start, end), in order.

    Returns:
        A store with the new layers instead; their tensors are slices, read when they are asked for.

    Example:
        >>> layer = Layer("kv", "linear", {"out_features": 6, "flatten": False}, {"weight": "w"})
        >>> store = Store({"kv": layer}, {"w": Tensor("F32", (6, 2), ())})
        >>> result = split_layer(store, "kv", {(0, 4): "k", (4, 6): "v"})
        >>> {name: row_count(result, part) for name, part in result.layers.items()}
        {'k': 4, 'v': 2}
    """
    layer = store.layers[name]
    rows = row_count(store, layer)
    groups = layer.attributes.get("groups", 1)
    tensors = dict(store.tensors)
    slices: list[Layer] = []
    for (start, end), new_name in new_names.items():
        keys = {role: f"{key}[{start}:{end}]" for role, key in layer.tensors.items()}
        tensors.update((keys[role], slice_rows(store.tensors[key], start, end)) for role, key in layer.tensors.items())
        changed: dict[str, Any] = {OUTPUT_SIZE[layer.kind]: end - start}
        if groups > 1:
            changed["groups"] = groups * (end - start) // rows
        slices.append(layer._replace(name=new_name, attributes={**layer.attributes, **changed}, tensors=keys))

    def rewrite(graph: Graph, node: Node) -> _Replacement:
        if groups > 1:
            return _split_grouped(node, slices, groups)
        nodes = [replace(node, name=part.name, attributes=part.attributes, layer=part.name) for part in slices]
        by_range = dict(zip(new_names, nodes))
        replacement = _Replacement(nodes)
        for user in UseDef(graph.nodes, graph.outputs).users.get(Value(node.name), ()):
            for output, cut in output_ranges(user, layer, rows).items():
                replacement.values[Value(user.name, output)] = Value(by_range[cut].name)
            replacement.removed.add(user.name)
        return replacement

    return _replace_layers(store, [name], slices, tensors, rewrite)


def _split_grouped(node: Node, slices: list[Layer], groups: int) -> _Replacement:
    """Replace a grouped convolution by convolutions of slices of the input, and concatenate their results."""
    cut = Node(f"{node.name}:split", "split", node.inputs, {"axis": 1, "parts": groups})
    nodes = [
        replace(node, name=part.name, inputs=(Value(cut.name, i),), attributes=part.attributes, layer=part.name)
        for i, part in enumerate(slices)
    ]
    whole = Node(f"{node.name}:joined", "concatenate", tuple(Value(one.name) for one in nodes), {"axis": 1})
    return _Replacement([cut, *nodes, whole], {Value(node.name): Value(whole.name)})


def join_layers(store: Store, name: str, parts: list[str]) -> Store:
    """Join layers of one input into one, their rows concatenated in the order of ``parts``.

    Args:
        store: The store.
        name: The name of the new layer.
        parts: Linear layers or convolutions. If any has a bias, those without one contribute zeros.

    Returns:
        A store with the new layer instead; its tensors are computed when they are read.

    Example:
        >>> attributes = {"out_features": 4, "flatten": False}
        >>> layers = {name: Layer(name, "linear", attributes, {"weight": name}) for name in "kv"}
        >>> store = Store(layers, {name: Tensor("F32", (4, 2), ()) for name in "kv"})
        >>> result = join_layers(store, "k + v", ["k", "v"])
        >>> {name: row_count(result, layer) for name, layer in result.layers.items()}
        {'k + v': 8}
    """
    layers = [store.layers[part] for part in parts]
    first, tensors, keys = layers[0], dict(store.tensors), {}
    roles = ["weight", *(["bias"] if any("bias" in layer.tensors for layer in layers) else [])]
    for role in roles:
        keys[role] = f"{name}.{role}"
        tensors[keys[role]] = concatenate_rows([_tensor_of_role(store, layer, role) for layer in layers])
    sizes = [row_count(store, layer) for layer in layers]
    attributes = {**first.attributes, OUTPUT_SIZE[first.kind]: sum(sizes)}
    joined = first._replace(name=name, attributes=attributes, tensors=keys)

    def rewrite(graph: Graph, node: Node) -> _Replacement:
        old = {item.layer: item for item in graph.nodes if item.layer in parts}
        replacement = _Replacement([replace(node, name=name, attributes=attributes, layer=name)])
        start = 0
        for part, size in zip(parts, sizes):
            cut = {"axes": (_channel_axis(first),), "starts": (start,), "ends": (start + size,), "steps": (1,)}
            replacement.nodes.append(Node(f"{name}:{part}", "slice", (Value(name),), cut))
            replacement.values[Value(old[part].name)] = Value(replacement.nodes[-1].name)
            start += size
        replacement.removed.update(item.name for item in old.values())
        return replacement

    return _replace_layers(store, parts, [joined], tensors, rewrite)


def fold_norm(store: Store, name: str, map_name: str, norm_name: str) -> Store:
    """Fold a batch norm into the weight and bias of the layer before it, computed in float64.

    Args:
        store: The store.
        name: The name of the new layer.
        map_name: The linear layer or convolution.
        norm_name: The batch norm that alone uses its output.

    Returns:
        A store with the new layer, in the dtype of its weight, instead of both; it is computed when it is read.
    """
    layer, norm = store.layers[map_name], store.layers[norm_name]
    weight = store.tensors[layer.tensors["weight"]]
    eps = float(norm.attributes.get("eps", 1e-5))

    def statistic(role: str, default: float) -> np.ndarray:
        import numpy as np

        key = norm.tensors.get(role)
        return np.float64(default) if key is None else numeric_values(store.tensors[key]).astype(np.float64)

    def scale() -> np.ndarray:
        import numpy as np

        return statistic("weight", 1) / np.sqrt(statistic("running_var", 1) + eps)

    def folded_weight() -> np.ndarray:
        shape = (-1, *[1] * (len(weight.shape) - 1))
        return cast_to(numeric_values(weight).astype("float64") * scale().reshape(shape), weight.dtype)

    def folded_bias() -> np.ndarray:
        bias = numeric_values(_tensor_of_role(store, layer, "bias")).astype("float64")
        return cast_to(statistic("bias", 0) + (bias - statistic("running_mean", 0)) * scale(), weight.dtype)

    keys = {"weight": f"{name}.weight", "bias": f"{name}.bias"}
    tensors = dict(store.tensors)
    tensors[keys["weight"]] = lazy_tensor(weight.dtype, weight.shape, folded_weight)
    tensors[keys["bias"]] = lazy_tensor(weight.dtype, weight.shape[:1], folded_bias)
    folded = layer._replace(name=name, tensors=keys, source=LayerSource(norm.source.node, layer.source.operator))

    def rewrite(graph: Graph, node: Node) -> _Replacement:
        after = next(item for item in graph.nodes if item.layer == norm_name)
        return _Replacement([replace(node, name=name, layer=name)], {Value(after.name): Value(name)}, {after.name})

    return _replace_layers(store, [map_name, norm_name], [folded], tensors, rewrite)


def slice_rows(tensor: Tensor, start: int, end: int) -> Tensor:
    """Return a range of the rows of a tensor, read when it is asked for.

    Args:
        tensor: The tensor, of at least one row.
        start: The first row.
        end: The row after the last.
    """
    row = tensor.nbytes // tensor.shape[0]
    return Tensor(tensor.dtype, (end - start, *tensor.shape[1:]), lambda: tensor.part(start * row, (end - start) * row))


def concatenate_rows(tensors: list[Tensor]) -> Tensor:
    """Return tensors one after the other along their first axis, read when they are asked for.

    Args:
        tensors: Tensors of one dtype, whose other axes are equal.
    """
    shape = (sum(tensor.shape[0] for tensor in tensors), *tensors[0].shape[1:])
    return Tensor(tensors[0].dtype, shape, lambda: (chunk for tensor in tensors for chunk in tensor.chunks()))


def _replace_layers(
    store: Store,
    old: list[str],
    new: list[Layer],
    tensors: dict[str, Tensor],
    rewrite: Callable[[Graph, Node], _Replacement],
) -> Store:
    """Replace layers, and in the graph the first node of one of them as ``rewrite`` says."""
    layers: dict[str, Layer] = {}
    for name, layer in store.layers.items():
        if name == old[0]:
            layers.update((item.name, item) for item in new)
        elif name not in old:
            layers[name] = layer
    graph = store.graph
    first = None if graph is None else next((node for node in graph.nodes if node.layer in old), None)
    if graph is not None and first is not None:
        graph = _replace_node(graph, first, rewrite(graph, first))
    used = {key for layer in layers.values() for key in layer.tensors.values()}
    unnamed = {key for name in old for key in store.layers[name].tensors.values()} - used
    tensors = {key: tensor for key, tensor in tensors.items() if key not in unnamed}
    return Store(layers, tensors, graph, store.source, store.notes, store.digests, store.path)


def _replace_node(graph: Graph, old: Node, replacement: _Replacement) -> Graph:
    def moved(operand: Operand) -> Operand:
        return resolve(operand, replacement.values) if isinstance(operand, Value) else operand

    nodes: list[Node] = []
    for node in graph.nodes:
        if node is old:
            nodes += replacement.nodes
        elif node.name not in replacement.removed:
            roles = {role: resolve(value, replacement.values) for role, value in node.computed.items()}
            nodes.append(replace(node, inputs=tuple(map(moved, node.inputs)), computed=roles))
    return Graph(graph.inputs, tuple(nodes), resolve_all(graph.outputs, replacement.values))


def _channel_axis(layer: Layer) -> int:
    return 1 if layer.kind == "convolution" or layer.attributes.get("flatten") else -1


def _tensor_of_role(store: Store, layer: Layer, role: str) -> Tensor:
    """Return a role's tensor; zeros for a bias that the layer lacks."""
    if role in layer.tensors:
        return store.tensors[layer.tensors[role]]
    weight = store.tensors[layer.tensors["weight"]]

    def zeros() -> np.ndarray:
        import numpy as np

        return cast_to(np.zeros(weight.shape[:1], np.float32), weight.dtype)

    return lazy_tensor(weight.dtype, weight.shape[:1], zeros)
