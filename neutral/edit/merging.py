"""Merge several stores into one."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Mapping, Sequence, TypeVar

from neutral.edit.derived import unrestorable
from neutral.errors import UsageError
from neutral.graph import Graph, Layer
from neutral.source import Piece, SourceFile, StoreSource
from neutral.store import Store
from neutral.store.structure import require_valid
from neutral.tensor import Tensor

T = TypeVar("T")


def merge(stores: Sequence[Store], *, prefixes: Sequence[str] = ()) -> Store:
    """Return the layers of several stores in one.

    Args:
        stores: The stores; they are not changed.
        prefixes: A prefix for the names and keys of each store; empty: none.

    Returns:
        All layers, tensors, notes and source files. Of source files of one name, the first is kept, and a note records
        each other one that differs. The graph is kept if only one store has one.

    Raises:
        UsageError: If two stores have a layer or a tensor of the same name, or the number of prefixes is not that of
            the stores.
        StoreError: If a store contradicts the catalogue.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> layers = {"scale": Layer("scale", "parameter", {}, {"value": "scale.value"})}
        >>> store = Store(layers, {"scale.value": from_numpy(np.ones(3, np.float32))})
        >>> list(merge([store, store], prefixes=["a.", "b."]).tensors)
        ['a.scale.value', 'b.scale.value']
    """
    for store in stores:
        require_valid(store)
    if prefixes and len(prefixes) != len(stores):
        raise UsageError(f"{len(prefixes)} prefixes were given for {len(stores)} stores; each needs one, if only ''.")
    stores = [_with_prefix(s, prefix) for s, prefix in zip(stores, prefixes or [""] * len(stores))]
    stores = [_without_files_of(store, stores[:index]) for index, store in enumerate(stores)]
    layers: dict[str, Layer] = {}
    tensors: dict[str, Tensor] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    for store in stores:
        _add("layer", layers, store.layers)
        _add("tensor", tensors, store.tensors)
        digests.update(store.digests)
        notes += store.notes
    graphs = [store.graph for store in stores if store.graph is not None]
    graph = graphs[0] if len(graphs) == 1 else None
    notes.append(f"merged from {len(stores)} stores")
    return Store(layers, tensors, graph, _merged_source(stores), tuple(notes), digests).made_from(*stores)


def _add(noun: str, merged: dict[str, T], added: Mapping[str, T]) -> None:
    duplicate = next((name for name in added if name in merged), None)
    if duplicate is not None:
        raise UsageError(f"two of the stores have a {noun} {duplicate!r}; give each store a prefix.")
    merged.update(added)


def _merged_source(stores: Iterable[Store]) -> StoreSource | None:
    sources = [store.source for store in stores if store.source is not None]
    if not sources:
        return None
    files = tuple(file for source in sources for file in source.files)
    frameworks = {(source.framework, source.version) for source in sources}
    framework, version = frameworks.pop() if len(frameworks) == 1 else ("several", None)
    return StoreSource(framework, version, files)


def _without_files_of(store: Store, earlier: Sequence[Store]) -> Store:
    """Return the store without the source files whose names earlier stores have, and without those files' tensors."""
    known = {file.name: file for other in earlier if other.source for file in other.source.files}
    if store.source is None or not any(file.name in known for file in store.source.files):
        return store
    kept = tuple(file for file in store.source.files if file.name not in known)
    dropped = [file for file in store.source.files if file.name in known]
    used = {key for layer in store.layers.values() for key in layer.tensors.values()} | _piece_keys(kept)
    unused = _piece_keys(dropped) - used
    differing = [file for file in dropped if (file.sha256 or file) != (known[file.name].sha256 or known[file.name])]
    notes = map(unrestorable, differing)
    tensors = {key: tensor for key, tensor in store.tensors.items() if key not in unused}
    digests = {key: digest for key, digest in store.digests.items() if key not in unused}
    source = replace(store.source, files=kept)
    return Store(store.layers, tensors, store.graph, source, (*store.notes, *notes), digests).made_from(store)


def _piece_keys(files: Iterable[SourceFile]) -> set[str]:
    return {piece.tensor for file in files for piece in file.pieces if isinstance(piece, Piece)}


def _with_prefix(store: Store, prefix: str) -> Store:
    if not prefix:
        return store
    layers = {
        prefix + name: layer._replace(
            name=prefix + name, tensors={role: prefix + key for role, key in layer.tensors.items()}
        )
        for name, layer in store.layers.items()
    }
    graph = None if store.graph is None else _graph_with_prefix(store.graph, prefix)
    source = store.source
    if source is not None:
        source = replace(source, files=tuple(_file_with_prefix(file, prefix) for file in source.files))
    tensors = {prefix + key: tensor for key, tensor in store.tensors.items()}
    digests = {prefix + key: digest for key, digest in store.digests.items()}
    return Store(layers, tensors, graph, source, store.notes, digests).made_from(store)


def _file_with_prefix(file: SourceFile, prefix: str) -> SourceFile:
    pieces = (
        piece._replace(tensor=prefix + piece.tensor) if isinstance(piece, Piece) else piece for piece in file.pieces
    )
    return replace(file, pieces=tuple(pieces))


def _graph_with_prefix(graph: Graph, prefix: str) -> Graph:
    """Return the graph with a prefix before the names of layers, in subgraphs too."""
    nodes = []
    for node in graph.nodes:
        attributes = {
            name: _graph_with_prefix(value, prefix) if isinstance(value, Graph) else value
            for name, value in node.attributes.items()
        }
        nodes.append(replace(node, attributes=attributes, layer=None if node.layer is None else prefix + node.layer))
    return replace(graph, nodes=tuple(nodes))
