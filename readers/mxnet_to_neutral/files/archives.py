"""Archives that hold a checkpoint: a SageMaker ``model.tar.gz``, or a ``.zip``."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Callable, Iterator

from neutral.errors import SourceError

ARCHIVE_LIMIT = 1 << 40
"""Bytes that the files of an archive may have when unpacked."""

_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError),
    *(ValueError, NotImplementedError),  # names that are not UTF-8, methods of packing that Python lacks
)


def is_archive(path: str) -> bool:
    """Whether a file is a tar or a zip of files; a zip of arrays alone is a parameter file itself (``.npz``)."""
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except _UNREADABLE:
        return False


def unpack(path: str, folder: str) -> None:
    """The archive's files into ``folder``, by their names only, never as paths. Raises SourceError."""
    try:
        with _members(path) as members:
            for member, name in _shallowest(members, path):
                source = member.open()
                if source is not None:
                    with source, open(os.path.join(folder, name), "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
    except _UNREADABLE as error:
        raise SourceError(f"{path}: the archive cannot be unpacked ({error}). It may be truncated.") from None


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
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return any(name.endswith((".params", ".json")) for name in packed.namelist())
