"""Find the two files of a checkpoint from a prefix, paths, a folder, an archive or URLs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Sequence

from mxnet_to_neutral.arrays import format_of
from mxnet_to_neutral.files.checkpoint import Checkpoint, in_temporary_folder, name_origins
from mxnet_to_neutral.files.detection import kind_of
from mxnet_to_neutral.files.folder import find_by_prefix, find_in_folder
from mxnet_to_neutral.files.kinds import ARCHIVE
from neutral.errors import MismatchError, NeutralError, SourceError, UsageError
from neutral.members import split_member
from neutral.store.remote import fetch, is_url


def find_checkpoint(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    """Return the files of the checkpoint that ``sources`` name.

    Args:
        sources: One prefix, file, folder, archive or URL, or ``archive#member``; or a symbol and a parameter file in
            either order.
        epoch: The epoch of the parameters after a prefix or in a folder; None for the latest.

    Returns:
        The paths of the symbol and of the parameters; either may be missing.

    Raises:
        UsageError: More than two paths are given.
        SourceError: A file is missing, or a folder holds no checkpoint or several.
        MismatchError: Both paths are symbols, or both are parameter files.
    """
    if any(map(is_url, sources)):
        return in_temporary_folder(lambda folder: _find_fetched(sources, epoch, folder))
    if len(sources) == 2:
        return _pair(*sources)
    if len(sources) != 1:
        raise UsageError(f"{len(sources)} paths were given; expected one path, or a symbol and a parameter file.")
    path = sources[0]
    if os.path.isdir(path):
        return find_in_folder(path, epoch)
    if os.path.isfile(path):
        archive, member = path, ""
        if not _is_archive(path):
            return Checkpoint(path, None) if _is_json(path) else Checkpoint(None, path)
    else:
        archive, member = split_member(path)
        if not member:
            return find_by_prefix(path, epoch)
    from mxnet_to_neutral.files.nested import find_in_archive

    return find_in_archive(archive, member, epoch)


def _find_fetched(sources: Sequence[str], epoch: int | None, folder: str) -> Checkpoint:
    """Download what URLs name and find the checkpoint; errors name the URLs."""
    local = [_fetched(source, folder) for source in sources]
    origins = [(path.partition("#")[0], url.partition("#")[0]) for path, url in zip(local, sources) if is_url(url)]
    try:
        found = find_checkpoint(local, epoch)
    except NeutralError as error:
        name_origins(error, origins)
        raise
    return replace(found, origins=(*found.origins, *origins))


def _fetched(source: str, folder: str) -> str:
    """Download a URL, which may end with ``#`` and a member of the archive; return other paths as they are."""
    if not is_url(source):
        return source
    url, sign, member = source.partition("#")
    return fetch(url, folder) + sign + member


def _pair(first: str, second: str) -> Checkpoint:
    for path in (first, second):
        if os.path.isdir(path):
            raise SourceError(f"{path}: this is a folder; name a file of the checkpoint.")
        if not os.path.isfile(path):
            raise SourceError(f"{path}: there is no such file.")
    are_symbols = (_is_json(first), _is_json(second))
    if are_symbols == (True, False):
        return Checkpoint(first, second)
    if are_symbols == (False, True):
        return Checkpoint(second, first)
    kind = "symbol" if all(are_symbols) else "parameter"
    raise MismatchError(f"{first} and {second}: both are {kind} files; give one symbol and one parameter file.")


def _is_archive(path: str) -> bool:
    if _is_json(path) or format_of(path) in ("ndarray-list", "npy"):
        return False
    from mxnet_to_neutral.files.archives import is_archive  # imports tarfile and zipfile

    return is_archive(path) or kind_of(path) == ARCHIVE  # one that is damaged, too


def _is_json(path: str) -> bool:
    """Return whether a file is a JSON object, by its first character that is not white space."""
    try:
        with open(path, "rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
