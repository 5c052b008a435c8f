"""Stores made of stores: cast to another dtype, cut to some layers, put together.

Nothing is read before the result is written. What remains of the source's files that the result can still give back is
kept; of the others a note keeps name, size and digest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Callable, Iterable, Iterator, Mapping, Sequence

from neutral.dtypes import DTYPE_NAME, FLOATING, dtype_code
from neutral.errors import UsageError
from neutral.graph import Graph, Layer, Node, Value
from neutral.source import Piece
from neutral.store import SourceFile, Store, StoreSource
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import cast_to, numeric_values


@dataclass(frozen=True)
class CastError:
    """What a cast costs one tensor: the largest absolute error, and its norm relative to the tensor's.

    ``overflows`` are finite values that became infinite and ``underflows`` those that became zero; neither counts in
    the errors.
    """

    key: str
    elements: int
    maximum: float
    norm: float
    overflows: int
    underflows: int


def cast(store: Store, dtype: str, *, keep: Sequence[str] = ()) -> Store:
    """``store`` with its floating tensors in ``dtype`` (``float16``, ``bfloat16``, ``float32``, ``float64``).

    Keys that match a shell pattern of ``keep`` stay as they are. Raises UsageError for a dtype that is not floating.
    """
    code = dtype_code(dtype)
    if code not in FLOATING:
        raise UsageError(f"{dtype}: a cast is to {', '.join(DTYPE_NAME[code] for code in FLOATING)}.")
    named = {key for layer in store.layers.values() for key in layer.tensors.values()}
    tensors = dict(store.tensors)
    for key, tensor in store.tensors.items():
        if key in named and tensor.dtype in FLOATING and tensor.dtype != code and not _matches(key, keep):
            tensors[key] = _cast(tensor, code)
    return _derived(store, store.layers, tensors, store.graph, f"floating tensors were cast to {DTYPE_NAME[code]}")


def cast_errors(before: Store, after: Store) -> Iterator[CastError]:
    """What :func:`cast` changed, tensor by tensor; reads what was cast."""
    import numpy as np

    for key, tensor in after.tensors.items():
        if tensor is before.tensors[key]:
            continue
        exact, rounded = (numeric_values(t).astype(np.float64).reshape(-1) for t in (before.tensors[key], tensor))
        finite = np.isfinite(exact)
        over = finite & ~np.isfinite(rounded)
        under = (exact != 0) & (rounded == 0)
        counted = finite & ~over & ~under
        error = np.abs(rounded[counted] - exact[counted])
        size = float(np.linalg.norm(exact[counted]))
        norm = float(np.linalg.norm(error)) / size if size else 0.0
        maximum = float(error.max()) if error.size else 0.0
        yield CastError(key, tensor.size, maximum, norm, int(over.sum()), int(under.sum()))


def slice_layers(store: Store, patterns: Sequence[str], *, output: str | None = None) -> Store:
    """The layers whose names match a shell pattern; with ``output``, what the graph needs to compute that node.

    With ``output`` the graph is cut there, and patterns choose among its layers (all where there are none). A graph is
    kept while every layer that it uses is. Raises UsageError where a pattern or the node names nothing.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in store.layers):
            raise UsageError(f"{store.path or 'the store'}: no layer matches {pattern!r}.")
    graph = store.graph
    names = set(store.layers)
    if output is not None:
        graph = _cut(store, output)
        names = set(graph.layers())
    if patterns:
        names = {name for name in names if _matches(name, patterns)}
    if graph is not None and not set(graph.layers()) <= names:
        graph = None
    layers = {name: layer for name, layer in store.layers.items() if name in names}
    note = f"a slice: {len(layers)} of {len(store.layers)} layers" + (f", up to node {output!r}" if output else "")
    return _derived(store, layers, store.tensors, graph, note)


def merge(stores: Sequence[Store], *, prefixes: Sequence[str] = ()) -> Store:
    """The layers of several stores in one; ``prefixes`` (one for each store) go before names and keys.

    A graph is kept where a single store has one: how several would be connected, nobody said. Raises UsageError where
    two stores have a layer or a tensor of one name.
    """
    if prefixes and len(prefixes) != len(stores):
        raise UsageError(f"{len(prefixes)} prefixes were given for {len(stores)} stores; each needs one, if only ''.")
    renamed = [_prefixed(s, prefix) for s, prefix in zip(stores, prefixes or [""] * len(stores))]
    layers: dict[str, Layer] = {}
    tensors: dict[str, Tensor] = {}
    digests: dict[str, str] = {}
    files: dict[str, SourceFile] = {}
    notes: list[str] = []
    for store in renamed:
        for what, old, new in (("layer", layers, store.layers), ("tensor", tensors, store.tensors)):
            twice = next((name for name in new if name in old), None)
            if twice is not None:
                raise UsageError(f"two of the stores have a {what} {twice!r}; give each store a prefix.")
        layers.update(store.layers)
        tensors.update(store.tensors)
        digests.update(store.digests)
        notes += store.notes
        for file in () if store.source is None else store.source.files:
            if files.setdefault(file.name, file) is not file:
                raise UsageError(f"two of the stores were made from a file {file.name!r}; slice or cast one before.")
    graphs = [store.graph for store in renamed if store.graph is not None]
    frameworks = {(s.source.framework, s.source.version) for s in renamed if s.source is not None}
    framework, version = frameworks.pop() if len(frameworks) == 1 else ("several", None)
    source = StoreSource(framework, version, tuple(files.values())) if any(s.source for s in renamed) else None
    graph = graphs[0] if len(graphs) == 1 else None
    return Store(layers, tensors, graph, source, (*notes, f"merged from {len(stores)} stores"), digests)


def _prefixed(store: Store, prefix: str) -> Store:
    if not prefix:
        return store
    layers = {
        prefix + name: layer._replace(
            name=prefix + name, tensors={role: prefix + key for role, key in layer.tensors.items()}
        )
        for name, layer in store.layers.items()
    }
    graph = None if store.graph is None else _with_layers(store.graph, lambda name: prefix + name)
    source = store.source
    if source is not None:
        files = (replace(file, pieces=tuple(_prefixed_piece(p, prefix) for p in file.pieces)) for file in source.files)
        source = replace(source, files=tuple(files))
    tensors = {prefix + key: tensor for key, tensor in store.tensors.items()}
    digests = {prefix + key: digest for key, digest in store.digests.items()}
    return Store(layers, tensors, graph, source, store.notes, digests)


def _prefixed_piece(piece: int | Piece, prefix: str) -> int | Piece:
    return piece if isinstance(piece, int) else piece._replace(tensor=prefix + piece.tensor)


def _with_layers(graph: Graph, rename: Callable[[str], str]) -> Graph:
    nodes = []
    for node in graph.nodes:
        attributes = {
            name: _with_layers(value, rename) if isinstance(value, Graph) else value
            for name, value in node.attributes.items()
        }
        nodes.append(replace(node, attributes=attributes, layer=None if node.layer is None else rename(node.layer)))
    return replace(graph, nodes=tuple(nodes))


def _derived(
    store: Store, layers: Mapping[str, Layer], tensors: Mapping[str, Tensor], graph: Graph | None, note: str
) -> Store:
    """A store of ``layers``, with what of the tensors and files they leave sound."""
    used = {key for layer in layers.values() for key in layer.tensors.values()}
    kept, notes = [], [*store.notes, note]
    for file in () if store.source is None else store.source.files:
        keys = {piece.tensor for piece in file.pieces if isinstance(piece, Piece)}
        own = {key for key in keys if key not in used}
        layered = {key for layer in store.layers.values() for key in layer.tensors.values()}
        if all(tensors.get(key) is store.tensors.get(key) for key in keys) and not own & layered:
            kept.append(file)
            used |= own
        else:
            digest = f", SHA-256 {file.sha256}" if file.sha256 else ""
            notes.append(f"made from {file.name} ({file.role}, {file.size} bytes{digest}), which it cannot give back")
    source = None if store.source is None else replace(store.source, files=tuple(kept))
    left = {key: tensor for key, tensor in tensors.items() if key in used}
    digests = {key: d for key, d in store.digests.items() if key in left and left[key] is store.tensors[key]}
    return Store(layers, left, graph, source, tuple(notes), digests)


def _cast(tensor: Tensor, code: str) -> Tensor:
    return lazy_tensor(code, tensor.shape, lambda: cast_to(numeric_values(tensor), code))


def _cut(store: Store, output: str) -> Graph:
    """The part of the graph that computes all outputs of a node."""
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'}: it has no graph to cut at {output!r}; name layers instead.")
    nodes = {node.name: node for node in store.graph.nodes}
    if output not in nodes:
        raise UsageError(f"{store.path or 'the store'}: the graph has no node {output!r}.")
    needed, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            if name in nodes:
                waiting += [value.node for value in _operands(nodes[name])]
    inputs = tuple(value for value in store.graph.inputs if value.name in needed)
    return Graph(inputs, tuple(n for n in store.graph.nodes if n.name in needed), (Value(output),))


def _operands(node: Node) -> Iterator[Value]:
    yield from (operand for operand in (*node.inputs, *node.computed.values()) if isinstance(operand, Value))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
