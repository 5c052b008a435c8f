"""Restore the original files of a store, byte for byte."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from neutral.errors import StoreError, TargetError, UsageError
from neutral.store import SourceFile, Store
from neutral.store.atomic import AtomicFiles
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import is_file_name, restored_chunks


def restore(
    store: Store,
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the files that a store was made from, as they were.

    Sizes and recorded digests are verified while the bytes are written, and no file appears before all are complete.

    Args:
        store: A store that was made from files.
        folder: The target folder; it is created if it is missing.
        overwrite: Replace existing files.
        progress: A callback that gets the bytes done and the bytes in all.

    Returns:
        The paths of the files.

    Raises:
        UsageError: If the store was not made from files.
        SourceError: If the store is changed meanwhile; nothing is written.
        StoreError: If the store is damaged, or records a path as the name of a file.
        TargetError: If a file cannot be written, or exists and ``overwrite`` is off.

    Example:
        >>> import tempfile
        >>> from neutral.store import StoreSource
        >>> symbol = SourceFile("net-symbol.json", "graph", "symbol-json", size=2, text="{}")
        >>> store = Store({}, {}, source=StoreSource("mxnet", "1.9.1", (symbol,)))
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     [path.name for path in restore(store, os.path.join(parent, "original"))]
        ['net-symbol.json']
    """
    files = () if store.source is None else store.source.files
    folder = Path(folder)
    targets = _targets(store, files, folder)
    for target in targets:
        if not overwrite and os.path.lexists(target):
            raise TargetError(f"{target}: it is there already. Choose another folder, or allow overwriting.")
    counter, versions = ByteCounter(sum(file.size for file in files), progress), store.source_versions()
    is_new = _make(folder)
    try:
        with AtomicFiles(keep_existing=not overwrite) as outputs:
            for file, target in zip(files, targets):
                _write(store, file, outputs.open(target), counter)
            versions.check()
    except BaseException as error:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, StoreError):
            versions.check()  # a store that was changed meanwhile is not damaged
        raise
    return targets


def _targets(store: Store, files: tuple[SourceFile, ...], folder: Path) -> list[Path]:
    name = store.path or "the store"
    if not files:
        raise UsageError(f"{name}: it was not made from files, so there is nothing to restore.")
    for file in files:
        if not is_file_name(file.name):
            raise StoreError(f"{file.name!r} is recorded as the name of a source file, but it is a path: refused.")
    targets = [folder / file.name for file in files]
    if len(set(targets)) != len(targets):
        raise StoreError(f"{name}: two of its source files have the same name.")
    return targets


def _make(folder: Path) -> bool:
    """Create the folder and return whether it is new."""
    if folder.is_dir():
        return False
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise TargetError(f"{folder}: cannot be created: {error.strerror}.") from None
    return True


def _write(store: Store, file: SourceFile, output: BinaryIO, counter: ByteCounter) -> None:
    digest = hashlib.sha256()
    size = 0
    for chunk in counter.pass_through(restored_chunks(store, file)):
        output.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    if size != file.size:
        raise StoreError(f"{file.name}: its pieces are {size} bytes and the original had {file.size}.")
    if file.sha256 is not None and digest.hexdigest() != file.sha256:
        raise StoreError(
            f"{file.name}: the restored bytes have SHA-256 {digest.hexdigest()} and the original had {file.sha256}. "
            "The store is damaged: copy it again."
        )
