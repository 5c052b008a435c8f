"""Write the weights of any store as an MXNet checkpoint, with the layout of a checkpoint of the same network."""

from __future__ import annotations

import glob
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Iterable, Iterator

from neutral.errors import TargetError, UsageError
from neutral.mapping import read_mapping
from neutral.matching import Mappable
from neutral.plugins.emitted import recognise_emitted
from neutral.store import SourceFile, Store
from neutral.store.atomic import AtomicFiles
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import restored_chunks
from neutral.store.source_versions import SourceVersions
from neutral.store.structure import require_valid
from neutral.tensor import CHUNK
from neutral_to_mxnet.assignment import assign
from neutral_to_mxnet.kept_arrays import update_kept_arrays
from neutral_to_mxnet.symbol import free_scales


@dataclass(frozen=True)
class Written:
    """The result of :func:`write`.

    Attributes:
        paths: The files of the checkpoint.
        names: The name of the new tensor for each key of the checkpoint's store.
        notes: Casts, kept tensors and changes of the symbol.

    Example:
        >>> Written((Path("net-0000.params"),), {"fc.weight": "head.weight"}, ()).names["fc.weight"]
        'head.weight'
    """

    paths: tuple[Path, ...]
    names: dict[str, str]
    notes: tuple[str, ...]


def write(
    store: Store,
    prefix: str | os.PathLike[str],
    *,
    like: Store,
    epoch: int = 0,
    mapping: Mappable = None,
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Write ``PREFIX-EPOCH.params`` and ``PREFIX-symbol.json``, which MXNet loads.

    All tensors of ``store`` have to be used and all of ``like`` to be given, except those allowed by name; a tensor
    that the graph of ``like`` does not use keeps its values. Where the symbol fixes a batch norm's scale to ones and
    the new scale is not ones, ``fix_gamma`` is turned off.

    Args:
        store: The store of the new values, such as a trained state dict.
        prefix: The path of the files without ``-0000.params`` and ``-symbol.json``.
        like: The store of a checkpoint of the same network with any values. It gives the symbol, the names, layouts
            and dtypes of the arrays, and the version of the file.
        epoch: The number in the name of the parameter file.
        mapping: Where each tensor belongs: a plan of loading ``like`` into the module of the state dict, or lines
            ``"layer" = "module.path"``. None: as the emitter named them, for weights of the model that ``like``
            emits, else by name.
        allow_unused: Shell patterns of tensors of ``store`` that may remain unused.
        allow_missing: Shell patterns of layers or ``layer.role`` of ``like`` that keep their values.
        overwrite: Replace existing files.
        dry_run: Check everything and write nothing.
        progress: A callback that gets the bytes done and the bytes in all.

    Returns:
        The files, the name of the tensor that fills each array, and notes; with ``dry_run`` the same.

    Raises:
        UsageError: If ``like`` was not made from an MXNet checkpoint, the mapping names an unknown layer, or an output
            is a file of one of the stores.
        MatchError: If tensors are unused, missing, or of another shape or dtype.
        SourceError: If a file of a store is changed meanwhile; nothing is written.
        UnsupportedError: If an array of the checkpoint cannot hold its new values.
        TargetError: If a file cannot be written, or exists and ``overwrite`` is off.
        StoreError: If one of the stores contradicts the catalogue.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Layer
        >>> from neutral.store import Piece, StoreSource
        >>> from neutral.tensor import from_numpy
        >>> attributes = {"out_features": 2, "flatten": True}
        >>> layers = {"fc": Layer("fc", "linear", attributes, {"weight": "fc.weight"})}
        >>> tensors = {"fc.weight": from_numpy(np.zeros((2, 3), np.float32))}
        >>> file = SourceFile("net-0000.params", "parameters", "ndarray-list", size=24, pieces=(Piece("fc.weight"),))
        >>> like = Store(layers, tensors, source=StoreSource("mxnet", "1.9.1", (file,)))
        >>> trained = Store(layers, {"fc.weight": from_numpy(np.ones((2, 3), np.float32))})
        >>> write(trained, "tuned", like=like, epoch=1, dry_run=True).paths[0].name
        'tuned-0001.params'
    """
    versions = like.source_versions()
    versions.update(store.source_versions())
    for each in (store, like):
        require_valid(each)
    name = like.path or "the store"
    parameters = _source_file(like, "parameters")
    symbol = _source_file(like, "graph")
    if parameters is None:
        raise UsageError(f"{name}: it was not made from an MXNet parameter file.")
    emitted = recognise_emitted(store, like, tuple(allow_missing)) if mapping is None else None
    if emitted is not None:
        mapping, allow_unused = emitted.mapping, (*allow_unused, *map(glob.escape, emitted.constants))
    assignment = assign(store, like, read_mapping(mapping, like.layers), allow_unused, allow_missing)
    kept = update_kept_arrays(like, parameters, assignment.tensors)
    notes = list(assignment.notes)
    files = [(Path(f"{os.fspath(prefix)}-{epoch:04d}.params"), parameters)]
    if symbol is not None and symbol.text is not None:
        text = symbol.text
        if kept.freed_scales:
            text = free_scales(text, kept.freed_scales)
            notes.append(f"the symbol does not fix the scale of {', '.join(dict.fromkeys(kept.freed_scales))} any more")
        files.append((Path(f"{os.fspath(prefix)}-symbol.json"), replace(symbol, text=text)))
    elif kept.freed_scales:
        raise UsageError(f"{name}: it has no symbol, in which fix_gamma would have to be turned off.")
    sources = [path for path in versions if os.path.exists(path)]
    for path, _ in files:
        if os.path.exists(path) and any(os.path.samefile(path, source) for source in sources):
            raise UsageError(f"{path}: the output would replace a file that is read. Choose another prefix.")
        if not overwrite and os.path.lexists(path):
            raise TargetError(f"{path}: it is there already. Choose another prefix, or allow overwriting.")
    if not dry_run:
        tensors = {**like.tensors, **assignment.tensors, **kept.tensors}
        _write(Store(like.layers, tensors, path=like.path), files, overwrite, versions, progress)
    return Written(tuple(path for path, _ in files), assignment.names, tuple(notes))


def _source_file(store: Store, role: str) -> SourceFile | None:
    files = () if store.source is None or store.source.framework != "mxnet" else store.source.files
    return next((file for file in files if file.role == role), None)


def _write(
    store: Store,
    files: list[tuple[Path, SourceFile]],
    overwrite: bool,
    versions: SourceVersions,
    progress: Progress | None,
) -> None:
    counter = ByteCounter(sum(file.size for _, file in files), progress)
    with AtomicFiles(keep_existing=not overwrite) as outputs:
        for path, file in files:
            output = outputs.open(path)
            for chunk in counter.pass_through(_chunks(store, file)):
                output.write(chunk)
        versions.check()


def _chunks(store: Store, file: SourceFile) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a file that is restored with other tensors."""
    if file.format != "npz":
        yield from restored_chunks(store, file)
        return
    with TemporaryFile() as stale, TemporaryFile() as fresh:
        for chunk in restored_chunks(store, file):
            stale.write(chunk)
        _update_checksums(stale, fresh)
        fresh.seek(0)
        yield from iter(lambda: fresh.read(CHUNK), b"")


def _update_checksums(stale: BinaryIO, fresh: BinaryIO) -> None:
    """Write a zip archive again with the checksums of its members' changed bytes."""
    with zipfile.ZipFile(stale) as source, zipfile.ZipFile(fresh, "w") as target:
        for member in source.infolist():
            member.CRC = None  # type: ignore[assignment]  # makes zipfile skip the comparison
            with source.open(member) as old, target.open(member.filename, "w", force_zip64=True) as new:
                for chunk in iter(lambda: old.read(CHUNK), b""):
                    new.write(chunk)
