"""Switch from one set of shards to another, so that a reader sees the old set or the new one whole.

A set has an identifier, which its index and the header of every shard name. The new shards first get names with the
identifier, which no other set has; the index is renamed, which switches from the old set to the new one; then the
shards get the usual names as hard links, the index is renamed once more, and the old shards and the first names are
removed. A killed process leaves an index whose shards are all there, and further files that the next writer of the set
removes. Where folders have no locks, or the file system no hard links, the shards keep the names with the identifier.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import BinaryIO, Callable, Mapping, Sequence

from neutral.errors import NeutralError
from neutral.store.atomic import keeps_existing, refuse_existing, sync_folder, synced_errors, written_errors
from neutral.store.folders import parent_folder
from neutral.store.header_parser import read_header
from neutral.store.locking import folder_locks
from neutral.store.shard_index import HEADERS, SET, index_name, marked_shard_names, read_index, shard_names
from neutral.store.source_files import is_file_name
from neutral.store.temporary import TemporaryFile, remove_abandoned, replace_by_link, require_file_or_nothing

_MARKED = re.compile(r"-\d{5,}-of-\d{5,}-([0-9a-f]{16})\.safetensors")

IndexText = Callable[[Sequence[str]], bytes]
"""Encodes the index of shards with these paths."""


def set_identifier(digests: Mapping[str, str]) -> str:
    """Return the identifier of a set of shards: a SHA-256 over its content, whatever the order.

    Args:
        digests: SHA-256 by tensor key.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> set_identifier({"b": "2", "a": "1"}) == set_identifier({"a": "1", "b": "2"})
        True
    """
    digest = hashlib.sha256()
    for key in sorted(digests):
        name = key.encode("utf-8", "surrogatepass")
        digest.update(b"%d %s %s\n" % (len(name), name, digests[key].encode()))
    return digest.hexdigest()


class ShardSet:
    """The files of a new set of shards, which replace the old set by :meth:`switch`; a context manager.

    Attributes:
        index: The path of the index.

    Args:
        path: The index, or the name that the store would have in a single file.
        count: The number of shards.

    Example:
        >>> ShardSet("out/net.safetensors", 2).index
        'out/net.safetensors.index.json'
    """

    def __init__(self, path: str, count: int) -> None:
        self.index = index_name(path)
        self._path = path
        self._names = shard_names(path, count)
        self._target = os.path.realpath(self.index)
        self._folder = os.path.dirname(os.path.abspath(path))
        self._files: list[TemporaryFile] = []
        self._stack = ExitStack()

    def open_shard(self) -> BinaryIO:
        """Open the file of the next shard.

        Returns:
            The file, open for writing; its errors are TargetError.

        Raises:
            TargetError: If the file cannot be created.
        """
        name = self._names[len(self._files)]
        if not self._files:
            self._refuse_existing()
            with written_errors(self.index):
                require_file_or_nothing(self._target)
                self._stack.enter_context(parent_folder(self._target))
                remove_abandoned(self._stack.enter_context(parent_folder(os.path.abspath(self._names[0]))))
        with written_errors(name):
            self._add(TemporaryFile(os.path.join(self._folder, os.path.basename(name))))
        return self._files[-1].file

    def switch(self, identifier: str, encode_index: IndexText) -> list[str]:
        """Make these shards the set that the index names.

        Args:
            identifier: The identifier of the set.
            encode_index: Encodes the index of shards with these paths.

        Returns:
            The paths of the shards.

        Raises:
            TargetError: If a file cannot be written; the old set is then unchanged.
        """
        for name, file in zip(self._names, self._files):
            with written_errors(name):
                file.sync()
        marked = marked_shard_names(self._path, len(self._names), identifier)
        with written_errors(self.index):
            first, last = (self._index_file(encode_index(names)) for names in (marked, self._names))
            with folder_locks({self._folder, os.path.dirname(self._target)}) as locked:
                self._refuse_existing()
                old = _shards_of(self._target, self._folder)
                self._rename_shards(marked, old)
                self._rename_index(first)
                with synced_errors([self.index]):
                    if not locked or not self._link_shards(marked):
                        return marked
                    self._rename_index(last)
                    self._remove_obsolete(old | _marked_shards(self._path, self._folder))
        return self._names

    def _index_file(self, text: bytes) -> TemporaryFile:
        file = self._add(TemporaryFile(self._target))
        file.file.write(text)
        file.sync()
        return file

    def _add(self, file: TemporaryFile) -> TemporaryFile:
        self._files.append(file)
        self._stack.callback(file.close)
        return file

    def _rename_shards(self, names: Sequence[str], old: set[str]) -> None:
        """Rename the shards; if one cannot be, remove those that were, except those of the set that is there."""
        done: list[str] = []
        try:
            for name, file in zip(names, self._files):
                file.replace(name)
                done.append(name)
            sync_folder(self._folder)
        except BaseException:
            for name in done:
                if os.path.basename(name) not in old:
                    with suppress(OSError):
                        os.unlink(name)
            raise

    def _rename_index(self, file: TemporaryFile) -> None:
        file.replace()
        with synced_errors([self.index]):
            sync_folder(os.path.dirname(self._target))

    def _link_shards(self, marked: Sequence[str]) -> bool:
        """Give the shards the usual names, too; return False where the file system has no hard links."""
        for name, target in zip(marked, self._names):
            try:
                replace_by_link(name, target)
            except OSError:
                return False
        sync_folder(self._folder)
        return True

    def _remove_obsolete(self, names: set[str]) -> None:
        """Remove shards, except those of this set with the usual names."""
        for name in names.difference(map(os.path.basename, self._names)):
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, name))

    def _refuse_existing(self) -> None:
        if keeps_existing():
            for name in (self.index, *self._names):
                refuse_existing(name, name)

    def __enter__(self) -> ShardSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if isinstance(error, OSError):
                with written_errors(self.index):
                    raise error
            if error is not None:
                raise error


def _shards_of(index: str, folder: str) -> set[str]:
    """Return the shards of the set that an index names, as far as Neutral wrote them."""
    try:
        metadata = read_index(index)["metadata"]
    except NeutralError:
        return set()
    headers = metadata.get(HEADERS)
    if not isinstance(headers, dict):
        return set()
    return {name for name, digest in headers.items() if _has_header(os.path.join(folder, name), name, digest)}


def _has_header(path: str, name: str, digest: str) -> bool:
    try:
        return is_file_name(name) and hashlib.sha256(read_header(path).raw).hexdigest() == digest
    except NeutralError:
        return False


def _marked_shards(path: str, folder: str) -> set[str]:
    """Return the files of a folder that have names with an identifier, and that identifier in their header."""
    stem = os.path.basename(index_name(path))[: -len(".safetensors.index.json")]
    matches = {name: _MARKED.fullmatch(name[len(stem) :]) for name in os.listdir(folder) if name.startswith(stem)}
    return {
        name
        for name, match in matches.items()
        if match is not None and _identifier_of(os.path.join(folder, name)).startswith(match.group(1))
    }


def _identifier_of(path: str) -> str:
    try:
        return read_header(path).metadata.get(SET, "")
    except NeutralError:
        return ""
