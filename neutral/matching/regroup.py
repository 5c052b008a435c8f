"""Layers of a store taken apart or put together, for modules that have them otherwise. Their names say how:

=================  =======================================================================================
``qkv[0:12]``      rows 0 to 12 of a linear map or a convolution; of a grouped convolution, whole groups
``q + k + v``      several maps of one input as one, their rows one after the other
``conv * bn``      a convolution or a linear map with the batch norm behind it in its weight and bias
=================  =======================================================================================
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from typing import Any, Callable, Iterable, Iterator, Sequence

import numpy as np

from neutral.graph import Graph, Layer, LayerSource, Node, Value
from neutral.matching import Network
from neutral.store import Store
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to, numeric_values

MAPS = ("linear", "convolution")
MOST_JOINED = 3
"""Layers that are put together at most: query, key and value."""

OUTPUTS = {"linear": "out_features", "convolution": "out_channels"}

_ROWS = re.compile(r"(.+)\[(\d+):(\d+)\]", re.DOTALL)


def rows(layer: str, start: int, end: int) -> str:
    return f"{layer}[{start}:{end}]"


def joined(layers: Iterable[str]) -> str:
    return " + ".join(layers)


def folded(layer: str, norm: str) -> str:
    return f"{layer} * {norm}"


def regrouped(store: Store, names: Iterable[str]) -> Store:
    """The store with the layers that ``names`` call for in the place of those that they are made of.

    Names of layers that are there, and of what is none, change nothing. Nothing is read.
    """
    parts: dict[str, list[tuple[int, int]]] = {}
    for name in dict.fromkeys(names):
        if name in store.layers:
            continue
        found = _ROWS.fullmatch(name)
        sums, products = name.split(" + "), name.split(" * ")
        if found and found[1] in store.layers:
            parts.setdefault(found[1], []).append((int(found[2]), int(found[3])))
        elif len(sums) > 1 and all(part in store.layers for part in sums):
            store = _joined(store, name, sums)
        elif len(products) == 2 and all(part in store.layers for part in products):
            store = _folded(store, name, *products)
    for layer, ranges in parts.items():
        store = _split(store, layer, sorted(ranges))
    return store


def regroupings(
    store: Store, open_stored: set[str], open_module: set[str], module: Network, fold: bool
) -> Iterator[list[str]]:
    """Ways to regroup the stored layers without a partner, as names for :func:`regrouped`, the likeliest first."""
    graph = store.graph
    if graph is None:
        return
    layers = [store.layers[name] for name in store.layers if name in open_stored]
    maps = [layer for layer in layers if layer.kind in MAPS and "weight" in layer.tensors]
    taken_apart = [
        rows(layer.name, *cut) for layer in maps for cut in apart(graph, layer, _rows(store, layer)) if open_module
    ]
    norms = [name for layer in layers for name in _fold_of(graph, store, layer)] if fold else []
    if taken_apart or norms:
        yield [*taken_apart, *norms]
    sizes = {module.shape(name, "weight")[0] for name in open_module if "weight" in module.layers[name].tensors}
    groups = [
        names
        for names in together(graph, maps)
        if len(names) <= MOST_JOINED and sum(_rows(store, store.layers[name]) for name in names) in sizes
    ]
    for order in permutations(range(MOST_JOINED)) if groups else ():
        orders = [[names[place] for place in order if place < len(names)] for names in groups]
        yield [*map(joined, orders), *norms]


def foldable(store: Store, open_stored: set[str]) -> Iterator[str]:
    """What could be done with batch norms that the module lacks."""
    for name in store.layers if store.graph is not None else ():
        if name in open_stored and any(_fold_of(store.graph, store, store.layers[name])):
            yield f"batch norm {name} can go into what is before it: fold_batch_norms=True (--fold-batch-norms)"


def _fold_of(graph: Graph | None, store: Store, layer: Layer) -> Iterator[str]:
    before = before_norm(graph, layer.name) if graph is not None and layer.kind == "batch_norm" else None
    if before is not None and "weight" in store.layers[before].tensors:
        yield folded(before, layer.name)


def _rows(store: Store, layer: Layer) -> int:
    return store.tensors[layer.tensors["weight"]].shape[0]


def apart(graph: Graph, layer: Layer, rows_of: int) -> list[tuple[int, int]]:
    """The ranges of rows that the graph uses by themselves, where it uses nothing else of the layer's result."""
    uses = [node for node in graph.nodes if node.layer == layer.name]
    if layer.kind not in MAPS or len(uses) != 1:
        return []
    groups = layer.attributes.get("groups", 1)
    if groups > 1:
        step = rows_of // groups
        return [(start, start + step) for start in range(0, rows_of, step)]
    found: set[tuple[int, int]] = set()
    for node, _ in _users(graph, uses[0].name):
        ranges = _ranges(node, layer, rows_of)
        if not ranges:
            return []
        found.update(ranges.values())
    return sorted(found)


def together(graph: Graph, layers: Sequence[Layer]) -> Iterator[list[str]]:
    """Layers of one kind and the same attributes, but for their number of rows, that are used once, on one input."""
    groups: dict[object, list[str]] = {}
    used = [node.layer for node in graph.nodes]
    wanted = {layer.name: layer for layer in layers if layer.kind in MAPS and used.count(layer.name) == 1}
    for node in graph.nodes:
        layer = wanted.get(node.layer or "")
        if layer is not None:
            rest = {name: value for name, value in layer.attributes.items() if name != OUTPUTS[layer.kind]}
            groups.setdefault((node.inputs, layer.kind, repr(sorted(rest.items()))), []).append(layer.name)
    yield from (names for names in groups.values() if len(names) > 1)


def before_norm(graph: Graph, norm: str) -> str | None:
    """The convolution or linear map whose result nothing but this batch norm uses."""
    nodes = {node.name: node for node in graph.nodes}
    uses = [node for node in graph.nodes if node.layer == norm]
    source = uses[0].inputs[0] if len(uses) == 1 else None
    maker = nodes.get(source.node) if isinstance(source, Value) else None
    if maker is None or maker.kind not in MAPS or len(_users(graph, maker.name)) != 1:
        return None
    return maker.layer


def _users(graph: Graph, name: str) -> list[tuple[Node, int]]:
    """The nodes that use what a node gives, with the output; an output of the graph counts as one."""
    found = [
        (node, item.output)
        for node in graph.nodes
        for item in (*node.inputs, *node.computed.values())
        if isinstance(item, Value) and item.node == name
    ]
    nothing = Node("", "", (), {})
    return found + [(nothing, value.output) for value in graph.outputs if value.node == name]


def _ranges(node: Node, layer: Layer, rows_of: int) -> dict[int, tuple[int, int]]:
    """The rows that each output of a node is, where it cuts along the channels."""
    channels = 1 if layer.kind == "convolution" or layer.attributes.get("flatten") else None

    def is_channels(axis: int) -> bool:
        return axis in (channels, -1) if channels is not None else axis == -1 or axis > 1

    if node.kind == "split" and is_channels(node.attributes["axis"]):
        count = node.attributes["parts"]
        return {part: (part * rows_of // count, (part + 1) * rows_of // count) for part in range(count)}
    if node.kind == "slice" and len(node.attributes["axes"]) == 1 and is_channels(node.attributes["axes"][0]):
        start, end, step = (node.attributes[name][0] for name in ("starts", "ends", "steps"))
        cut = range(rows_of)[start:end:step]
        return {0: (cut.start, cut.stop)} if step == 1 and len(cut) else {}
    return {}


def _split(store: Store, name: str, ranges: list[tuple[int, int]]) -> Store:
    layer = store.layers[name]
    groups = layer.attributes.get("groups", 1)
    tensors = dict(store.tensors)
    new: list[Layer] = []
    for start, end in ranges:
        part = rows(name, start, end)
        keys = {}
        for role, key in layer.tensors.items():
            keys[role] = f"{key}[{start}:{end}]"
            tensors[keys[role]] = _rows_of(store.tensors[key], start, end)
        size = store.tensors[layer.tensors["weight"]].shape[0]
        changed: dict[str, Any] = {OUTPUTS[layer.kind]: end - start}
        if groups > 1:
            changed["groups"] = groups * (end - start) // size
        new.append(layer._replace(name=part, attributes={**layer.attributes, **changed}, tensors=keys))

    def rewrite(graph: Graph, node: Node) -> tuple[list[Node], dict[Value, Value], set[str]]:
        total = store.tensors[layer.tensors["weight"]].shape[0]
        if groups > 1:
            return _branches(node, layer, new, groups)
        made = [replace(node, name=part.name, attributes=part.attributes, layer=part.name) for part in new]
        by_rows = dict(zip(ranges, made))
        renamed, gone = {}, set()
        for user, _ in _users(graph, node.name):
            for output, cut in _ranges(user, layer, total).items():
                renamed[Value(user.name, output)] = Value(by_rows[cut].name)
            gone.add(user.name)
        return made, renamed, gone

    return _replaced(store, [name], new, tensors, rewrite)


def _branches(
    node: Node, layer: Layer, parts: list[Layer], groups: int
) -> tuple[list[Node], dict[Value, Value], set[str]]:
    """A grouped convolution as convolutions of parts of the input, and their results one after the other."""
    cut = Node(f"{node.name}:split", "split", node.inputs, {"axis": 1, "parts": groups})
    made = [
        replace(node, name=part.name, inputs=(Value(cut.name, i),), attributes=part.attributes, layer=part.name)
        for i, part in enumerate(parts)
    ]
    whole = Node(f"{node.name}:joined", "concatenate", tuple(Value(one.name) for one in made), {"axis": 1})
    return [cut, *made, whole], {Value(node.name): Value(whole.name)}, set()


def _joined(store: Store, name: str, parts: list[str]) -> Store:
    layers = [store.layers[part] for part in parts]
    first, tensors, keys = layers[0], dict(store.tensors), {}
    roles = ["weight", *(["bias"] if any("bias" in layer.tensors for layer in layers) else [])]
    for role in roles:
        keys[role] = f"{name}.{role}"
        tensors[keys[role]] = _one_after_the_other([_role(store, layer, role) for layer in layers])
    sizes = [store.tensors[layer.tensors["weight"]].shape[0] for layer in layers]
    attributes = {**first.attributes, OUTPUTS[first.kind]: sum(sizes)}
    new = first._replace(name=name, attributes=attributes, tensors=keys)

    def rewrite(graph: Graph, node: Node) -> tuple[list[Node], dict[Value, Value], set[str]]:
        nodes = {item.layer: item for item in graph.nodes if item.layer in parts}
        axis = 1 if first.kind == "convolution" or first.attributes.get("flatten") else -1
        made = replace(node, name=name, attributes=attributes, layer=name)
        cuts, renamed, start = [], {}, 0
        for part, size in zip(parts, sizes):
            where = {"axes": (axis,), "starts": (start,), "ends": (start + size,), "steps": (1,)}
            cuts.append(Node(f"{name}:{part}", "slice", (Value(name),), where))
            renamed[Value(nodes[part].name)] = Value(cuts[-1].name)
            start += size
        return [made, *cuts], renamed, {item.name for item in nodes.values()}

    return _replaced(store, parts, [new], tensors, rewrite)


def _folded(store: Store, name: str, map_name: str, norm_name: str) -> Store:
    layer, norm = store.layers[map_name], store.layers[norm_name]
    weight = store.tensors[layer.tensors["weight"]]
    eps = float(norm.attributes.get("eps", 1e-5))

    def statistic(role: str, default: float) -> np.ndarray:
        key = norm.tensors.get(role)
        return np.float64(default) if key is None else numeric_values(store.tensors[key]).astype(np.float64)

    def scale() -> np.ndarray:
        return statistic("weight", 1) / np.sqrt(statistic("running_var", 1) + eps)

    def new_weight() -> np.ndarray:
        shape = (-1, *[1] * (len(weight.shape) - 1))
        return cast_to(numeric_values(weight).astype(np.float64) * scale().reshape(shape), weight.dtype)

    def new_bias() -> np.ndarray:
        bias = numeric_values(_role(store, layer, "bias")).astype(np.float64)
        return cast_to(statistic("bias", 0) + (bias - statistic("running_mean", 0)) * scale(), weight.dtype)

    keys = {"weight": f"{name}.weight", "bias": f"{name}.bias"}
    tensors = dict(store.tensors)
    tensors[keys["weight"]] = lazy_tensor(weight.dtype, weight.shape, new_weight)
    tensors[keys["bias"]] = lazy_tensor(weight.dtype, weight.shape[:1], new_bias)
    new = layer._replace(name=name, tensors=keys, source=LayerSource(norm.source.node, layer.source.operator))

    def rewrite(graph: Graph, node: Node) -> tuple[list[Node], dict[Value, Value], set[str]]:
        after = next(item for item in graph.nodes if item.layer == norm_name)
        made = replace(node, name=name, layer=name)
        return [made], {Value(after.name): Value(name)}, {after.name}

    return _replaced(store, [map_name, norm_name], [new], tensors, rewrite)


Rewrite = Callable[[Graph, Node], "tuple[list[Node], dict[Value, Value], set[str]]"]
"""For the first node of the old layers: the nodes in its place, what other values become, and nodes that go."""


def _replaced(store: Store, old: list[str], new: list[Layer], tensors: dict[str, Tensor], rewrite: Rewrite) -> Store:
    layers: dict[str, Layer] = {}
    for name, layer in store.layers.items():
        if name == old[0]:
            layers.update((item.name, item) for item in new)
        elif name not in old:
            layers[name] = layer
    graph = store.graph
    first = None if graph is None else next((node for node in graph.nodes if node.layer in old), None)
    if graph is not None and first is not None:
        made, renamed, gone = rewrite(graph, first)
        graph = _rewritten(graph, first, made, renamed, gone)
    return Store(layers, tensors, graph, store.source, store.notes, store.digests, store.path)


def _rewritten(graph: Graph, first: Node, made: list[Node], renamed: dict[Value, Value], gone: set[str]) -> Graph:
    def moved(item: Any) -> Any:
        return renamed.get(item, item) if isinstance(item, Value) else item

    nodes: list[Node] = []
    for node in graph.nodes:
        if node is first:
            nodes += made
        elif node.name not in gone:
            computed_roles = {role: moved(value) for role, value in node.computed.items()}
            nodes.append(replace(node, inputs=tuple(map(moved, node.inputs)), computed=computed_roles))
    return Graph(graph.inputs, tuple(nodes), tuple(map(moved, graph.outputs)))


def _rows_of(tensor: Tensor, start: int, end: int) -> Tensor:
    row = tensor.nbytes // tensor.shape[0]
    return Tensor(tensor.dtype, (end - start, *tensor.shape[1:]), lambda: tensor.part(start * row, (end - start) * row))


def _one_after_the_other(tensors: list[Tensor]) -> Tensor:
    shape = (sum(tensor.shape[0] for tensor in tensors), *tensors[0].shape[1:])
    return Tensor(tensors[0].dtype, shape, lambda: (chunk for tensor in tensors for chunk in tensor.chunks()))


def _role(store: Store, layer: Layer, role: str) -> Tensor:
    """A role's tensor; zeros for a bias that is not there."""
    if role in layer.tensors:
        return store.tensors[layer.tensors[role]]
    weight = store.tensors[layer.tensors["weight"]]
    return lazy_tensor(
        weight.dtype, weight.shape[:1], lambda: cast_to(np.zeros(weight.shape[:1], np.float32), weight.dtype)
    )
