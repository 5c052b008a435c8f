"""Unpack archives that hold a checkpoint: a SageMaker ``model.tar.gz``, or a ``.zip``."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Callable, Iterator

from mxnet_to_neutral.limits import UNPACKED_BASE, UNPACKED_GROWTH, UNPACKED_LIMIT
from neutral.errors import SourceError

_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError),
    *(ValueError, NotImplementedError),  # names that are not UTF-8; compression methods that Python lacks
    MemoryError,  # an LZMA header that announces a dictionary of gigabytes
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

    Members are written under their base names: their paths are ignored.

    Args:
        path: A tar archive, compressed or not, or a zip archive.
        folder: The folder to write to.

    Raises:
        SourceError: The archive is damaged, holds a link, a device or a sparse file in the place of a file of
            the checkpoint, or exceeds the limits of :mod:`mxnet_to_neutral.limits`.
    """
    try:
        with _open_members(path) as members:
            for member in _shallowest(members, path):
                with member.open() as source, open(os.path.join(folder, member.base_name), "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except _UNREADABLE as error:
        raise SourceError(f"{path}: the archive cannot be unpacked ({error}). It may be truncated.") from None


@dataclass(frozen=True)
class _Member:
    """A member of an archive that is no folder.

    Args:
        name: The name in the archive.
        size: The unpacked size in bytes.
        special: The type of the member if it is not a plain file, such as ``a symbolic link``; else empty.
        open: A function that opens a plain file.
    """

    name: str
    size: int
    special: str
    open: Callable[[], IO[bytes]]

    @property
    def base_name(self) -> str:
        """The name without folders."""
        return os.path.basename(self.name)

    @property
    def depth(self) -> int:
        """The number of folders that the member is in."""
        return self.name.lstrip("./").count("/")


@contextmanager
def _open_members(path: str) -> Iterator[Iterator[_Member]]:
    """Open an archive and iterate over its members, without folders."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as packed:
            yield (
                _Member(item.filename, item.file_size, _special_type_in_zip(item), partial(packed.open, item))
                for item in packed.infolist()
                if not item.filename.endswith("/")  # ZipInfo.is_dir fails on empty names before Python 3.12
            )
    else:
        with tarfile.open(path, "r:*") as archive:
            yield (
                _Member(item.name, item.size, _special_type_in_tar(item), partial(_extract, archive, item))
                for item in archive
                if not item.isdir()
            )


def _special_type_in_zip(item: zipfile.ZipInfo) -> str:
    file_type = stat.S_IFMT(item.external_attr >> 16)  # 0 in archives that were made without Unix modes
    if file_type == stat.S_IFLNK:
        return "a symbolic link"
    return "" if file_type in (0, stat.S_IFREG) else "a special file"


def _special_type_in_tar(item: tarfile.TarInfo) -> str:
    if item.issparse():
        return "a sparse file"
    if item.issym():
        return "a symbolic link"
    if item.islnk():
        return "a hard link"
    return "" if item.isreg() else "a device or another special file"


def _extract(archive: tarfile.TarFile, item: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(item)
    assert file is not None  # only of members that are neither folders nor special files
    return file


def _shallowest(members: Iterator[_Member], path: str) -> Iterator[_Member]:
    """Yield the files at the archive's shallowest level that has any."""
    total = 0
    limit = min(UNPACKED_LIMIT, UNPACKED_BASE + UNPACKED_GROWTH * os.path.getsize(path))
    candidates: list[_Member] = []
    for member in members:
        if not member.base_name:
            raise SourceError(f"{path}: a member of the archive has the name {member.name!r}; expected a file's name.")
        if member.base_name.startswith("."):
            continue
        total += 0 if member.special else member.size
        if total > limit:
            raise SourceError(f"{path}: its files would take more than {limit} bytes. Unpack the archive yourself.")
        candidates.append(member)
    level = min((member.depth for member in candidates if _may_be_of_checkpoint(member)), default=0)
    for member in candidates:
        if member.depth != level:
            continue
        if member.special:
            raise SourceError(
                f"{path}: the member {member.name!r} is {member.special}; expected a plain file. "
                "Pack the file itself (tar --dereference, without --sparse)."
            )
        yield member


def _may_be_of_checkpoint(member: _Member) -> bool:
    """Return whether a member is a plain file, or has the name of a checkpoint's file."""
    return not member.special or member.name.endswith((".params", ".json", ".npz", ".npy"))


def _is_zip(path: str) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return any(name.endswith((".params", ".json")) for name in packed.namelist())
