"""Unpack archives that hold a checkpoint: a SageMaker ``model.tar.gz``, or a ``.zip``."""

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

from mxnet_to_neutral.limits import UNPACKED_LIMIT
from neutral.errors import SourceError

_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError),
    *(ValueError, NotImplementedError),  # names that are not UTF-8; compression methods that Python lacks
)


def is_archive(path: str) -> bool:
    """Return whether a file is a tar archive, or a zip archive with symbols or parameter files in it.

    A zip archive of arrays alone (``.npz``) is a parameter file.

    Args:
        path: An existing file.
    """
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except _UNREADABLE:
        return False


def unpack(path: str, folder: str) -> None:
    """Unpack the files at the shallowest level of an archive that has any.

    Members are written under their base names: their paths are ignored, and so are links and devices.

    Args:
        path: A tar archive, compressed or not, or a zip archive.
        folder: The folder to write to.

    Raises:
        SourceError: The archive is damaged, or larger than :data:`~mxnet_to_neutral.limits.UNPACKED_LIMIT`.
    """
    try:
        with _open_members(path) as members:
            for member, name in _shallowest(members, path):
                with member.open() as source, open(os.path.join(folder, name), "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except _UNREADABLE as error:
        raise SourceError(f"{path}: the archive cannot be unpacked ({error}). It may be truncated.") from None


@dataclass(frozen=True)
class _Member:
    """A regular file in an archive: its name, its unpacked size in bytes, and a function that opens it."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


@contextmanager
def _open_members(path: str) -> Iterator[Iterator[_Member]]:
    """Open an archive and iterate over its regular files."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as packed:
            files = (item for item in packed.infolist() if not item.is_dir())
            yield (_Member(item.filename, item.file_size, partial(packed.open, item)) for item in files)
    else:
        with tarfile.open(path, "r:*") as archive:
            regular = (item for item in archive if item.isreg())
            yield (_Member(item.name, item.size, partial(_extract, archive, item)) for item in regular)


def _extract(archive: tarfile.TarFile, item: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(item)
    assert file is not None  # only of members that are neither files nor links
    return file


def _shallowest(members: Iterator[_Member], path: str) -> Iterator[tuple[_Member, str]]:
    """Yield the files at the archive's shallowest level that has any, with their base names."""
    total = 0
    candidates = []
    for member in members:
        total += member.size
        if total > UNPACKED_LIMIT:
            raise SourceError(f"{path}: its files would take more than {UNPACKED_LIMIT} bytes.")
        if not os.path.basename(member.name).startswith("."):
            candidates.append((member, member.name.lstrip("./").count("/")))
    level = min((depth for _, depth in candidates), default=0)
    for member, depth in candidates:
        if depth == level:
            yield member, os.path.basename(member.name)


def _is_zip(path: str) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return any(name.endswith((".params", ".json")) for name in packed.namelist())
