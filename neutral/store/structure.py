"""Check the structure of a store against the catalogue and the format; no tensor is read."""

from __future__ import annotations

from typing import Iterator, Mapping
from weakref import WeakSet

from neutral.errors import StoreError
from neutral.graph import Graph, Layer
from neutral.operators import Operator, catalogue
from neutral.source import Piece, SourceFile
from neutral.store.graph_structure import graph_problems
from neutral.store.role_shapes import role_shapes, shape_problems
from neutral.store.source_files import is_file_name
from neutral.store.store import Store
from neutral.tensor import Tensor

MOST_SHOWN = 10
"""The number of problems that the message of :func:`require_valid` lists."""

_VALID: WeakSet[Store] = WeakSet()
"""The stores whose structure was checked and found sound."""


def require_valid(store: Store) -> None:
    """Raise unless the store is sound; call this before the attributes of its layers or its graph are used.

    Tensors that nothing names are harmless and allowed. A store is checked once: it must not be changed afterwards.

    Args:
        store: The store.

    Raises:
        StoreError: If there are problems; lists the first ones of :func:`structure_problems`.

    Example:
        >>> from neutral.graph import Layer
        >>> require_valid(Store({}, {}))
        >>> require_valid(Store({"fc": Layer("fc", "linear", {}, {"weight": "w"})}, {}))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.StoreError: the store: its manifest contradicts the catalogue of operators:...
    """
    if store in _VALID:
        return
    problems = list(_contradictions(store))
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems[:MOST_SHOWN])
        more = f"\n  and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise StoreError(
            f"{store.path or 'the store'}: its manifest contradicts the catalogue of operators:\n{lines}{more}\n"
            "It was damaged, edited, or written by another version; `neutral check` lists every problem."
        )
    _VALID.add(store)


def structure_problems(store: Store) -> Iterator[str]:
    """Yield every contradiction between a store and the format or the catalogue, one line each.

    Args:
        store: The store; none of its tensors is read.

    Returns:
        An iterator over the problems; empty for a sound store.

    Example:
        >>> list(structure_problems(Store({}, {"a": Tensor("U8", (), ())})))
        ["tensor 'a': no layer and no source file names it"]
    """
    yield from _contradictions(store)
    yield from _tensor_problems(store)


def _contradictions(store: Store) -> Iterator[str]:
    """Yield the contradictions of layers, graph and source files."""
    computed = computed_roles(store.graph)
    for layer in store.layers.values():
        for problem in _layer_problems(layer, store, computed.get(layer.name, frozenset())):
            yield f"layer {layer.name!r}: {problem}"
    if store.graph is not None:
        yield from graph_problems(store.graph, store)
    yield from _source_problems(store)


def file_problems(file: SourceFile, tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield the reasons why a source file cannot be restored from its pieces.

    Args:
        file: The source file.
        tensors: The tensors of the store by key.

    Returns:
        An iterator over the reasons; empty if the file can be restored.

    Example:
        >>> from neutral.source import SourceFile
        >>> list(file_problems(SourceFile("net-symbol.json", "graph", "symbol-json", 3, text="{}"), {}))
        ['its parts are 2 bytes in all and the file had 3']
    """
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


def computed_roles(graph: Graph | None) -> dict[str, frozenset[str]]:
    """Return the roles of each layer that nodes compute, so that no tensor is stored for them, by layer.

    Args:
        graph: The graph, whose subgraphs count too; None for a store without one.

    Returns:
        Sets of roles by layer; layers without such roles are left out.

    Example:
        >>> from neutral.graph import Input, Node, Value
        >>> node = Node("fc", "linear", (Value("x"),), {}, "fc", {"weight": Value("w")})
        >>> computed_roles(Graph((Input("x"), Input("w")), (node,), (Value("fc"),)))
        {'fc': frozenset({'weight'})}
    """
    roles: dict[str, frozenset[str]] = {}
    for node in () if graph is None else graph.nodes:
        if node.layer is not None and node.computed:
            roles[node.layer] = roles.get(node.layer, frozenset()).union(node.computed)
        for subgraph in node.subgraphs:
            for layer, names in computed_roles(subgraph).items():
                roles[layer] = roles.get(layer, frozenset()) | names
    return roles


def _layer_problems(layer: Layer, store: Store, computed: frozenset[str]) -> Iterator[str]:
    operator = catalogue[layer.kind]
    yield from operator.problems(layer.attributes, complete=layer.typed_by == "graph")
    for role, key in layer.tensors.items():
        if operator.role(role) is None:
            yield f"{layer.kind} has no role {role!r}"
        if key not in store.tensors:
            yield f"its {role!r} is the tensor {key!r}, which is not there"
    yield from shape_problems(operator, layer.attributes, role_shapes(layer, store))
    if layer.typed_by != "names" and _has_parameters(store):
        yield from _missing_roles(layer, operator, computed)


def _missing_roles(layer: Layer, operator: Operator, computed: frozenset[str]) -> Iterator[str]:
    """Yield the required roles that are neither stored nor computed by the graph."""
    present = {*layer.tensors, *computed}
    for role in operator.roles:
        if role.required and not any(role.matches(name) for name in present):
            yield f"it has no {role.name}"


def _has_parameters(store: Store) -> bool:
    """Return whether tensors are expected: a store that was made from a symbol alone has none."""
    return store.source is None or any(file.role == "parameters" for file in store.source.files)


def _source_problems(store: Store) -> Iterator[str]:
    files = () if store.source is None else store.source.files
    for file in files:
        for problem in file_problems(file, store.tensors):
            yield f"source file {file.name!r}: {problem}"
        if not is_file_name(file.name):
            yield f"source file {file.name!r}: its name is a path"
    if len({file.name for file in files}) != len(files):
        yield "two source files have the same name"


def _piece_problems(piece: Piece, tensor: Tensor) -> Iterator[str]:
    if piece.permutation is not None and sorted(piece.permutation) != list(range(len(tensor.shape))):
        yield f"{list(piece.permutation)} is not a permutation of the axes of {piece.tensor!r}"
    if piece.start + (piece.nbytes or 0) > tensor.nbytes:
        yield f"its piece ends after the {tensor.nbytes} bytes of {piece.tensor!r}"


def _tensor_problems(store: Store) -> Iterator[str]:
    files = () if store.source is None else store.source.files
    used = {key for layer in store.layers.values() for key in layer.tensors.values()}
    used.update(piece.tensor for file in files for piece in file.pieces if isinstance(piece, Piece))
    for key in store.tensors:
        if key not in used:
            yield f"tensor {key!r}: no layer and no source file names it"
    for key in store.digests:
        if key not in store.tensors:
            yield f"digest of {key!r}: there is no such tensor"
