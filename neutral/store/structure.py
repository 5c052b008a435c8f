"""Whether a store is sound, from its manifest alone: layers, graph and source files against the catalogue."""

from __future__ import annotations

from typing import Iterator, Mapping
from weakref import WeakSet

from neutral.errors import StoreError
from neutral.graph import Graph, Layer, Node, Value
from neutral.operators import Operator, catalogue
from neutral.source import Piece, SourceFile
from neutral.store.role_shapes import shape_problems
from neutral.store.source_files import is_file_name
from neutral.store.store import Store
from neutral.tensor import Tensor


def structure_problems(store: Store) -> Iterator[str]:
    """What contradicts the format or the catalogue, one line each."""
    for layer in store.layers.values():
        for problem in _layer_problems(layer, store):
            yield f"layer {layer.name!r}: {problem}"
    if store.graph is not None:
        yield from _graph_problems(store.graph, store, "graph")
    files = () if store.source is None else store.source.files
    for file in files:
        for problem in file_problems(file, store.tensors):
            yield f"source file {file.name!r}: {problem}"
        if not is_file_name(file.name):
            yield f"source file {file.name!r}: its name is a path"
    if len({file.name for file in files}) != len(files):
        yield "two source files have the same name"
    used = {key for layer in store.layers.values() for key in layer.tensors.values()}
    used.update(piece.tensor for file in files for piece in file.pieces if isinstance(piece, Piece))
    for key in store.tensors:
        if key not in used:
            yield f"tensor {key!r}: no layer and no source file names it"
    for key in store.digests:
        if key not in store.tensors:
            yield f"digest of {key!r}: there is no such tensor"


MOST_SHOWN = 10
"""Problems that the message of :func:`require_valid` lists."""


def require_valid(store: Store) -> None:
    """Raise unless the store is sound; call this before anything is made of its layers' attributes or its graph.

    A store's structure is checked once: it is not changed after it was made.

    Raises:
        StoreError: With the first problems of :func:`structure_problems`.
    """
    if store in _VALID:
        return
    problems = list(structure_problems(store))
    if problems:
        shown = "\n".join(f"  - {problem}" for problem in problems[:MOST_SHOWN])
        more = f"\n  and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise StoreError(
            f"{store.path or 'the store'}: its manifest contradicts the catalogue of operators:\n{shown}{more}\n"
            "It was damaged, edited, or written by another version; `neutral check` lists every problem."
        )
    _VALID.add(store)


_VALID: WeakSet[Store] = WeakSet()
"""The stores whose structure was checked and found sound."""


def _layer_problems(layer: Layer, store: Store) -> Iterator[str]:
    operator = catalogue[layer.kind]
    yield from operator.problems(layer.attributes, complete=layer.typed_by == "graph")
    for role, key in layer.tensors.items():
        if operator.role(role) is None:
            yield f"{layer.kind} has no role {role!r}"
        if key not in store.tensors:
            yield f"its {role!r} is the tensor {key!r}, which is not there"
    yield from shape_problems(operator, layer.attributes, _shapes(layer, store))
    if layer.typed_by != "names" and _has_parameters(store):
        yield from _missing_roles(layer, operator, store.graph)


def _missing_roles(layer: Layer, operator: Operator, graph: Graph | None) -> Iterator[str]:
    """Required roles that are neither stored nor computed by the graph."""
    present = {*layer.tensors, *_computed_roles(graph, layer.name)}
    for role in operator.roles:
        if role.required and not any(role.matches(name) for name in present):
            yield f"it has no {role.name}"


def _has_parameters(store: Store) -> bool:
    """Whether tensors are to be expected: a store made from a symbol alone has none."""
    return store.source is None or any(file.role == "parameters" for file in store.source.files)


def _computed_roles(graph: Graph | None, layer: str) -> Iterator[str]:
    for node in () if graph is None else graph.nodes:
        if node.layer == layer:
            yield from node.computed
        for subgraph in _subgraphs(node):
            yield from _computed_roles(subgraph, layer)


def _subgraphs(node: Node) -> Iterator[Graph]:
    return (value for value in node.attributes.values() if isinstance(value, Graph))


def _graph_problems(graph: Graph, store: Store, where: str) -> Iterator[str]:
    """Nodes in order: what a node uses is an input of the graph or was made before."""
    known: dict[str, int | None] = {}
    for graph_input in graph.inputs:
        if graph_input.name in known:
            yield f"{where}: two inputs are called {graph_input.name!r}"
        known[graph_input.name] = 1
    for node in graph.nodes:
        here = f"{where}, node {node.name!r}"
        for problem in _node_problems(node, known, store):
            yield f"{here}: {problem}"
        for subgraph in _subgraphs(node):
            yield from _graph_problems(subgraph, store, here)
        if node.name in known:
            yield f"{here}: its name is taken already"
        known[node.name] = _output_count(node)
    for value in graph.outputs:
        for problem in _value_problems(value, known):
            yield f"{where}, outputs: {problem}"


def _node_problems(node: Node, known: Mapping[str, int | None], store: Store) -> Iterator[str]:
    operator = catalogue[node.kind]
    yield from operator.problems(node.attributes)
    if node.layer is not None:
        yield from _use_problems(node, operator, store)
    for operand in (*node.inputs, *node.computed.values()):
        if isinstance(operand, Value):
            yield from _value_problems(operand, known)
    for role in node.computed:
        if operator.role(role) is None:
            yield f"{node.kind} has no role {role!r}"
    yield from _arity_problems(node, operator)


def _use_problems(node: Node, operator: Operator, store: Store) -> Iterator[str]:
    """Yield the contradictions between a node and the layer whose tensors it uses."""
    layer = store.layers.get(node.layer or "")
    if layer is None:
        yield f"its layer {node.layer!r} is not there"
    elif layer.kind != node.kind:
        yield f"its layer {layer.name!r} is a {layer.kind}, not a {node.kind}"
    else:
        yield from shape_problems(operator, node.attributes, _shapes(layer, store))


def _shapes(layer: Layer, store: Store) -> dict[str, tuple[int, ...]]:
    return {role: store.tensors[key].shape for role, key in layer.tensors.items() if key in store.tensors}


def _arity_problems(node: Node, operator: Operator) -> Iterator[str]:
    starred = any(name.startswith("*") for name in operator.inputs)
    needed = [name for name in operator.inputs if not name.startswith("*") and not name.endswith("?")]
    if len(node.inputs) < len(needed) or (not starred and len(node.inputs) > len(operator.inputs)):
        yield f"{node.kind} takes the inputs {', '.join(operator.inputs) or 'none'} and it has {len(node.inputs)}"


def _value_problems(value: Value, known: Mapping[str, int | None]) -> Iterator[str]:
    if value.node not in known:
        yield f"{value.node!r} is used before it is made"
        return
    count = known[value.node]
    if value.output < 0 or (count is not None and value.output >= count):
        yield f"output {value.output} of {value.node!r} is used, which has {count}"


def _output_count(node: Node) -> int | None:
    """How many outputs a node has; None where the kind leaves it open."""
    outputs = catalogue[node.kind].outputs
    open_ended = node.kind == "opaque" or any(name.startswith("*") for name in outputs)
    return None if open_ended else len(outputs)


def file_problems(file: SourceFile, tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Why a source file cannot be put together again from its pieces."""
    if file.text is not None:
        size = len(file.text.encode("utf-8"))
    else:
        size = 0
        for piece in file.pieces:
            if isinstance(piece, int):
                size += piece
            elif piece.tensor not in tensors:
                yield f"its piece {piece.tensor!r} is not among the tensors"
            else:
                yield from _piece_problems(piece, tensors[piece.tensor])
                size += tensors[piece.tensor].nbytes - piece.start if piece.nbytes is None else piece.nbytes
        skeleton = sum(piece for piece in file.pieces if isinstance(piece, int))
        if skeleton != len(file.skeleton):
            yield f"its pieces take {skeleton} bytes of the skeleton, which has {len(file.skeleton)}"
    if size != file.size:
        yield f"its parts are {size} bytes in all and the file had {file.size}"


def _piece_problems(piece: Piece, tensor: Tensor) -> Iterator[str]:
    if piece.permutation is not None and sorted(piece.permutation) != list(range(len(tensor.shape))):
        yield f"{list(piece.permutation)} is no permutation of the axes of {piece.tensor!r}"
    if piece.start + (piece.nbytes or 0) > tensor.nbytes:
        yield f"its piece ends after the {tensor.nbytes} bytes of {piece.tensor!r}"
