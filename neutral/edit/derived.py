"""Derive a store from another one and keep the tensors and source files that remain valid."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Iterable, Mapping

from neutral.graph import Graph, Layer
from neutral.source import Piece, SourceFile
from neutral.store import Store
from neutral.tensor import Tensor


def derive(
    store: Store, layers: Mapping[str, Layer], tensors: Mapping[str, Tensor], graph: Graph | None, note: str
) -> Store:
    """Return a store of some layers of another one.

    Args:
        store: The store to derive from.
        layers: The layers that remain, by name.
        tensors: The tensors by key; those that are not the store's own are new values. Tensors that neither a layer
            nor a kept source file uses are dropped.
        graph: The graph of the result.
        note: A note on how the result was made. Each source file that cannot be restored any more gets one, too.

    Returns:
        A store that shares the unchanged tensors and their digests; close ``store`` after it.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> layers = {name: Layer(name, "parameter", {}, {"value": name + ".value"}) for name in "ab"}
        >>> store = Store(layers, {name + ".value": from_numpy(numpy.ones(2)) for name in "ab"})
        >>> part = derive(store, {"a": layers["a"]}, store.tensors, None, "the layer a only")
        >>> list(part.tensors), part.notes
        (['a.value'], ('the layer a only',))
    """
    used = {key for layer in layers.values() for key in layer.tensors.values()}
    layered = {key for layer in store.layers.values() for key in layer.tensors.values()}
    files, notes = [], [*store.notes, note]
    for file in () if store.source is None else store.source.files:
        keys = {piece.tensor for piece in file.pieces if isinstance(piece, Piece)}
        unused = {key for key in keys if key not in used}
        if all(tensors.get(key) is store.tensors.get(key) for key in keys) and not unused & layered:
            files.append(file)
            used |= unused
        else:
            notes.append(unrestorable(file))
    source = None if store.source is None else replace(store.source, files=tuple(files))
    kept = {key: tensor for key, tensor in tensors.items() if key in used}
    digests = {key: d for key, d in store.digests.items() if key in kept and kept[key] is store.tensors[key]}
    return Store(layers, kept, graph, source, tuple(notes), digests).made_from(store)


def unrestorable(file: SourceFile) -> str:
    """Return the note on a source file that a derived store cannot restore.

    Args:
        file: The source file.

    Returns:
        A line with its name, role, size in bytes and digest.

    Example:
        >>> unrestorable(SourceFile("net.params", "parameters", "params-v2", 8, sha256="ffff"))
        'made from net.params (parameters, 8 bytes, SHA-256 ffff), which it cannot give back'
    """
    digest = f", SHA-256 {file.sha256}" if file.sha256 else ""
    return f"made from {file.name} ({file.role}, {file.size} bytes{digest}), which it cannot give back"


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Return whether one of some shell patterns matches a name.

    Args:
        name: The name of a layer or tensor.
        patterns: Patterns of ``fnmatch``; upper and lower case differ.

    Returns:
        False if there are no patterns.

    Example:
        >>> matches_any("stage1.conv0", ("stage?.*",)), matches_any("head", ())
        (True, False)
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)
