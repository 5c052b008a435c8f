"""Finding the two files of a checkpoint in whatever the user has: a prefix, files, a folder, a SageMaker archive."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Callable, Iterator, Sequence

from mxnet_to_neutral.arrays import looks_like_arrays
from neutral.errors import MismatchError, SourceError, UsageError
from neutral.store.remote import fetch, is_url

_EPOCH = re.compile(r"^(?P<prefix>.*)-(?P<epoch>\d{4,})\.params$")
_SYMBOL_SUFFIXES = ("-symbol.json", ".json")
_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError),
    *(ValueError, NotImplementedError),  # names that are not UTF-8, methods of packing that Python lacks
)
ARCHIVE_LIMIT = 1 << 40
"""Bytes that the files of an archive may have when unpacked."""


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint. ``close`` removes what was unpacked for it."""

    symbol: str | None
    params: str | None
    notes: tuple[str, ...] = ()
    close: Callable[[], None] | None = None


def find(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    """The checkpoint that these paths mean. Raises SourceError or UsageError, saying what was looked for."""
    if any(map(is_url, sources)):
        return _fetched(sources, epoch)
    if len(sources) == 2:
        return _pair(*sources)
    if len(sources) != 1:
        raise UsageError(f"a checkpoint is one path, or a symbol and a parameter file; {len(sources)} were given.")
    path = sources[0]
    if os.path.isdir(path):
        return _directory(path, epoch)
    if os.path.isfile(path):
        return _archive(path, epoch) if _is_zip(path) or _is_tar(path) else _single(path)
    return _prefix(path, epoch)


def _fetched(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        found = find([fetch(source, folder) if is_url(source) else source for source in sources], epoch)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def close() -> None:
        if found.close is not None:
            found.close()
        shutil.rmtree(folder, ignore_errors=True)

    return Checkpoint(found.symbol, found.params, found.notes, close)


def export_live(model: Any) -> Checkpoint:
    """The files that MXNet itself writes for a model in its memory, in a temporary folder."""
    try:
        import mxnet_capture
    except ImportError:
        raise UsageError(
            f"a checkpoint is named by paths; {type(model).__name__} is none, and no live model where MXNet is not."
        ) from None
    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        mxnet_capture.export(model, os.path.join(folder, "model"))
        found = _directory(folder, None)
    except mxnet_capture.CaptureError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(str(error)) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Checkpoint(found.symbol, found.params, found.notes, lambda: shutil.rmtree(folder, ignore_errors=True))


def _pair(first: str, second: str) -> Checkpoint:
    for path in (first, second):
        _require_file(path)
    kinds = [_is_symbol(first), _is_symbol(second)]
    if kinds == [True, False]:
        return Checkpoint(first, second)
    if kinds == [False, True]:
        return Checkpoint(second, first)
    what = "symbol" if all(kinds) else "parameter"
    raise MismatchError(f"{first} and {second}: both are {what} files; give one symbol and one parameter file.")


def _single(path: str) -> Checkpoint:
    return Checkpoint(path, None) if _is_symbol(path) else Checkpoint(None, path)


def _prefix(prefix: str, epoch: int | None) -> Checkpoint:
    """``prefix-symbol.json`` and ``prefix-0003.params``, as ``mx.model.load_checkpoint`` looks for them."""
    folder, base = os.path.split(prefix)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        names = []
    epochs = {
        int(match.group("epoch")): os.path.join(folder, name)
        for name in names
        for match in [_EPOCH.match(name)]
        if match and match.group("prefix") == base
    }
    symbol = next((prefix + s for s in _SYMBOL_SUFFIXES if os.path.isfile(prefix + s)), None)
    plain = prefix + ".params" if os.path.isfile(prefix + ".params") else None
    if epoch is not None and epoch not in epochs:
        found = f"there are {', '.join(map(str, sorted(epochs)))}" if epochs else "there is none at all"
        raise SourceError(f"{prefix}: there are no parameters of epoch {epoch} ({prefix}-{epoch:04d}.params); {found}.")
    if epochs:
        chosen = max(epochs) if epoch is None else epoch
        notes: tuple[str, ...] = ()
        if len(epochs) > 1 and epoch is None:
            notes = (f"the latest of {len(epochs)} epochs, {chosen}, was taken",)
        return Checkpoint(symbol, epochs[chosen], notes)
    if symbol or plain:
        return Checkpoint(symbol, plain)
    raise SourceError(
        f"{prefix}: there is no such file or folder, and neither {prefix}-symbol.json nor {prefix}-0000.params."
    )


def _directory(folder: str, epoch: int | None) -> Checkpoint:
    """The one checkpoint of a folder. Several models in it need a prefix to choose by."""
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    files = [path for path in files if os.path.isfile(path)]
    symbols = [path for path in files if _is_symbol(path)]
    params = [path for path in files if path not in symbols and looks_like_arrays(path)]
    prefixes = {match.group("prefix") for path in params for match in [_EPOCH.match(path)] if match}
    if len(prefixes) == 1 and len(symbols) <= 1 and all(_EPOCH.match(path) for path in params):
        found = _prefix(prefixes.pop(), epoch)
        return Checkpoint(found.symbol or (symbols[0] if symbols else None), found.params, found.notes)
    if len(symbols) > 1 or len(params) > 1:
        listed = ", ".join(os.path.basename(path) for path in symbols + params)
        raise SourceError(f"{folder}: it holds more than one checkpoint ({listed}). Name a prefix or the files.")
    if not symbols and not params:
        raise SourceError(f"{folder}: there is no MXNet symbol and no parameter file in this folder.")
    return Checkpoint(symbols[0] if symbols else None, params[0] if params else None)


def _archive(path: str, epoch: int | None) -> Checkpoint:
    """A SageMaker ``model.tar.gz``, or a ``.zip``: its files are unpacked into a temporary folder.

    They are so by name only, never as paths.
    """
    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        with _members(path) as members:
            for member, name in _shallowest(members, path):
                source = member.open()
                if source is not None:
                    with source, open(os.path.join(folder, name), "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
        found = _directory(folder, epoch)
    except _UNREADABLE as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SourceError(f"{path}: the archive cannot be unpacked ({error}). It may be truncated.") from None
    except SourceError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SourceError(str(error).replace(folder, path)) from None
    return Checkpoint(found.symbol, found.params, found.notes, lambda: shutil.rmtree(folder, ignore_errors=True))


@dataclass(frozen=True)
class _Member:
    """A plain file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


@contextmanager
def _members(path: str) -> Iterator[Iterator[_Member]]:
    if _is_zip(path):
        with zipfile.ZipFile(path) as packed:
            files = (item for item in packed.infolist() if not item.is_dir())
            yield (_Member(item.filename, item.file_size, partial(packed.open, item)) for item in files)
    else:
        with tarfile.open(path, "r:*") as archive:
            regular = (item for item in archive if item.isreg())
            yield (_Member(item.name, item.size, partial(archive.extractfile, item)) for item in regular)


def _shallowest(members: Iterator[_Member], path: str) -> Iterator[tuple[_Member, str]]:
    """The files at the archive's shallowest level that has any, with their base names."""
    total = 0
    found = []
    for member in members:
        total += member.size
        if total > ARCHIVE_LIMIT:
            raise SourceError(f"{path}: its files would take more than {ARCHIVE_LIMIT} bytes.")
        if not os.path.basename(member.name).startswith("."):
            found.append((member, member.name.lstrip("./").count("/")))
    level = min((depth for _, depth in found), default=0)
    for member, depth in found:
        if depth == level:
            yield member, os.path.basename(member.name)


def _is_zip(path: str) -> bool:
    """Whether a file is a zip of files; one of arrays alone is a parameter file itself (``.npz``)."""
    try:
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as packed:
            return any(name.endswith((".params", ".json")) for name in packed.namelist())
    except _UNREADABLE:
        return False


def _is_tar(path: str) -> bool:
    try:
        return not _is_symbol(path) and not looks_like_arrays(path) and tarfile.is_tarfile(path)
    except _UNREADABLE:
        return False


def _is_symbol(path: str) -> bool:
    """Whether a file is a symbol: a JSON object, told by its first character that is not white space."""
    try:
        with open(path, "rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None


def _require_file(path: str) -> None:
    if os.path.isdir(path):
        raise SourceError(f"{path}: this is a folder; name the file.")
    if not os.path.isfile(path):
        raise SourceError(f"{path}: there is no such file.")
