"""List and unpack archives that hold checkpoints: a SageMaker ``model.tar.gz``, a ``.zip``, a ``.mar``."""

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
from typing import IO, Callable, Collection, Iterator

from mxnet_to_neutral.arrays.signatures import HEAD_SIZE, is_tar
from mxnet_to_neutral.files.kinds import (
    ARCHIVE,
    FOREIGN_SUFFIXES,
    PARAMETER_SUFFIXES,
    PARAMETERS,
    SYMBOL,
    is_packed,
    is_symbol,
    kind_of_content,
)
from mxnet_to_neutral.files.members import Member, choices
from neutral import limits
from neutral.errors import SourceError

_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError),
    *(ValueError, NotImplementedError),  # names that are not UTF-8; compression methods that Python lacks
    MemoryError,  # an LZMA header that announces a dictionary of gigabytes
)


def is_archive(path: str) -> bool:
    """Return whether a file is a tar archive, or a zip archive of other files than arrays.

    A zip archive of arrays alone (``.npz``) is a parameter file, and one with a pickle of tensors is PyTorch's.

    Args:
        path: An existing file.

    Returns:
        False also for a file that cannot be read.
    """
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except _UNREADABLE:
        return False


def unpack(path: str, folder: str) -> None:
    """Extract the symbols and parameter files in the folder of an archive's first checkpoint.

    Args:
        path: A tar archive, compressed or not, or a zip archive.
        folder: The folder to write to.

    Raises:
        SourceError: The archive is damaged, exceeds the limits of :mod:`neutral.limits`, or has a link, a
            device or a sparse file in the place of a file of the checkpoint.
    """
    members = list_members(path)
    for choice in choices(members)[:1]:
        extract(path, [member for member in members if member.folder == choice.path.rpartition("/")[0]], folder)


def list_members(path: str) -> list[Member]:
    """List the symbols, parameter files and archives in an archive, by their content; hidden files are left out.

    Args:
        path: A tar archive, compressed or not, or a zip archive.

    Returns:
        The members in the order of the archive.

    Raises:
        SourceError: The archive is damaged, or exceeds the limits of :mod:`neutral.limits`.
    """
    limit = limits.unpacked_limit(os.path.getsize(path))
    total = 0
    result = []
    with _readable(path), _open_items(path) as items:
        for item in items:
            base_name = os.path.basename(item.name)
            if not base_name:
                raise SourceError(
                    f"{path}: a member of the archive has the name {item.name!r}; expected a file's name."
                )
            if base_name.startswith("."):
                continue
            total += 0 if item.special else item.size
            if total > limit:
                raise SourceError(
                    f"{path}: its files would take more than {limit} bytes. {limits.UNPACKED_GROWTH.advice}"
                )
            result.append(Member(item.name, _kind_of_item(item, base_name), item.special))
    return [member for member in result if member.kind is not None]


def extract(path: str, members: Collection[Member], folder: str) -> None:
    """Extract members of an archive under their base names: their paths are ignored.

    Args:
        path: The archive.
        members: The members, of :func:`list_members`.
        folder: The folder to write to.

    Raises:
        SourceError: The archive is damaged, or a member is a link, a device or a sparse file.
    """
    for member in members:
        if member.special:
            raise SourceError(
                f"{path}: the member {member.name!r} is {member.special}; expected a plain file. "
                "Pack the file itself (tar --dereference, without --sparse)."
            )
    names = {member.name for member in members}
    with _readable(path), _open_items(path) as items:
        for item in items:
            if item.name in names and not item.special:
                with item.open() as source, open(os.path.join(folder, os.path.basename(item.name)), "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn the errors of damaged archives into SourceError."""
    try:
        yield
    except _UNREADABLE as error:
        raise SourceError(f"{path}: the archive cannot be unpacked ({error}). It may be truncated.") from None


@dataclass(frozen=True)
class _Item:
    """A member that is not a folder, while its archive is open.

    Args:
        name: The name in the archive.
        size: The unpacked size in bytes.
        special: The type of the member if it is not a plain file; else empty.
        open: A function that opens a plain file.
    """

    name: str
    size: int
    special: str
    open: Callable[[], IO[bytes]]


def _kind_of_item(item: _Item, base_name: str) -> str | None:
    """Return the kind of a member by its first bytes, of special ones by the name."""
    if item.special:
        lower = base_name.lower()
        if lower.endswith((*PARAMETER_SUFFIXES, ".npz", ".npy")):
            return PARAMETERS
        return SYMBOL if lower.endswith(".json") else None
    if base_name.lower().endswith(FOREIGN_SUFFIXES):
        return None
    with item.open() as file:
        head = file.read(HEAD_SIZE)
        kind = kind_of_content(base_name, head, item.size)
        if kind is None and item.size <= limits.GRAPH_BYTES.value and head.lstrip().startswith((b"{", b"\xef")):
            return SYMBOL if is_symbol(base_name, head + file.read()) else None
        if kind == PARAMETERS and head.startswith(b"PK") and not base_name.lower().endswith((".npz", ".params")):
            return ARCHIVE
    return ARCHIVE if kind is None and is_packed(head) else kind


@contextmanager
def _open_items(path: str) -> Iterator[Iterator[_Item]]:
    """Open an archive and iterate over its members, without folders."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as packed:
            yield (
                _Item(item.filename, item.file_size, _special_type_in_zip(item), partial(packed.open, item))
                for item in packed.infolist()
                if not item.filename.endswith("/")  # ZipInfo.is_dir fails on empty names before Python 3.12
            )
    else:
        with tarfile.open(path, "r:*") as archive:
            yield (
                _Item(item.name, item.size, _special_type_in_tar(item), partial(_extract, archive, item))
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


def _is_zip(path: str) -> bool:
    if not zipfile.is_zipfile(path) or _begins_as_tar(path):  # a zip archive near the end of a tar is found too
        return False
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
    bases = [os.path.basename(name) for name in names]
    return "data.pkl" not in bases and any(not base.endswith(".npy") for base in bases if base)


def _begins_as_tar(path: str) -> bool:
    with open(path, "rb") as file:
        return is_tar(file.read(HEAD_SIZE))
