"""Weights of any store as an MXNet checkpoint, in the form of a checkpoint of the same network."""

from __future__ import annotations

import os
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Iterable, Iterator

from neutral.errors import TargetError, UsageError
from neutral.mapping import Mappable, read_mapping
from neutral.store import SourceFile, Store
from neutral.store.atomic import atomic_file
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import restored_chunks
from neutral.tensor import CHUNK
from neutral_to_mxnet.arrays import set_aside
from neutral_to_mxnet.assign import assign
from neutral_to_mxnet.symbol import free_scales


@dataclass(frozen=True)
class Written:
    """The files of the checkpoint, where each tensor of it came from (by key), and notes on what was changed."""

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
    """Write ``prefix-0000.params`` (of ``epoch``) and ``prefix-symbol.json``, which MXNet loads.

    ``like`` is the store of a checkpoint of the same network with any values, such as its first epoch: it gives the
    symbol, the arrays' names and layouts, dtypes, and the version of the file. ``store`` gives the values: a state dict
    that was trained, or a store that was edited. Which goes where, ``mapping`` says (a plan of loading ``like`` into
    the module whose state dict it is, or lines ``"layer" = "module.path"``), else names do. All of ``store`` has to be
    used and all of ``like`` be given, or be allowed by name; what the graph of ``like`` does not use stays as it is.

    Where the symbol fixes a batch norm's scale and the weights have another, the written symbol fixes it no more.
    Raises MatchError where the two do not fit, UnsupportedError where an array cannot hold its new values, and
    TargetError where the files cannot be written or, without ``overwrite``, are there; nothing is written then.
    """
    parameters = _file(like, "parameters")
    symbol = _file(like, "graph")
    if parameters is None:
        raise UsageError(f"{like.path or 'the store'}: it was not made from an MXNet parameter file.")
    found = assign(store, like, read_mapping(mapping, like.layers), allow_unused, allow_missing)
    aside = set_aside(like, parameters, found.tensors)
    notes = list(found.notes)
    filled = Store(like.layers, {**like.tensors, **found.tensors, **aside.tensors}, path=like.path)
    files = [(Path(f"{os.fspath(prefix)}-{epoch:04d}.params"), parameters)]
    if symbol is not None and symbol.text is not None:
        text = symbol.text
        if aside.freed:
            text = free_scales(text, aside.freed)
            notes.append(f"the symbol does not fix the scale of {', '.join(dict.fromkeys(aside.freed))} any more")
        files.append((Path(f"{os.fspath(prefix)}-symbol.json"), replace(symbol, text=text)))
    elif aside.freed:
        raise UsageError(f"{like.path or 'the store'}: it has no symbol, which would have to be changed.")
    for path, _ in files:
        if not overwrite and os.path.lexists(path):
            raise TargetError(f"{path}: it is there already. Choose another prefix, or allow overwriting.")
    if not dry_run:
        _write(filled, files, progress)
    return Written(tuple(path for path, _ in files), found.names, tuple(notes))


def _file(store: Store, role: str) -> SourceFile | None:
    files = () if store.source is None or store.source.framework != "mxnet" else store.source.files
    return next((file for file in files if file.role == role), None)


def _write(store: Store, files: list[tuple[Path, SourceFile]], progress: Progress | None) -> None:
    counter = ByteCounter(sum(file.size for _, file in files), progress)
    with ExitStack() as stack:
        for path, file in files:
            output = stack.enter_context(atomic_file(path))
            for chunk in counter.pass_through(_chunks(store, file)):
                output.write(chunk)


def _chunks(store: Store, file: SourceFile) -> Iterator[bytes | memoryview]:
    if file.format != "npz":
        yield from restored_chunks(store, file)
        return
    with TemporaryFile() as stale, TemporaryFile() as fresh:
        for chunk in restored_chunks(store, file):
            stale.write(chunk)
        _with_checksums(stale, fresh)
        fresh.seek(0)
        yield from iter(lambda: fresh.read(CHUNK), b"")


def _with_checksums(stale: BinaryIO, fresh: BinaryIO) -> None:
    """A zip archive again whose members' bytes are not those that it has the checksums of."""
    with zipfile.ZipFile(stale) as source, zipfile.ZipFile(fresh, "w") as target:
        for member in source.infolist():
            member.CRC = None  # type: ignore[assignment]  # zipfile compares with none then
            with source.open(member) as old, target.open(member.filename, "w", force_zip64=True) as new:
                for chunk in iter(lambda: old.read(CHUNK), b""):
                    new.write(chunk)
