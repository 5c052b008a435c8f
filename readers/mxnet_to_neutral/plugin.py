"""The reader of MXNet checkpoints as a plug-in: an implementation of :class:`neutral.plugins.Reader`."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral.store.remote import is_url

if TYPE_CHECKING:
    from neutral.plugins import Reader
    from neutral.store import Store

SUFFIXES = (".params", ".json", ".npz", ".states", ".tar.gz", ".tgz", ".tar", ".zip")
"""Suffixes of MXNet's files. :func:`read` refuses ``.states`` (a pickle) with an explanation."""

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")

PREFIX_PATTERNS = ("-symbol.json", "-[0-9][0-9][0-9][0-9]*.params", ".json", ".params")
"""Glob patterns of the files of a prefix, without the prefix."""

FOREIGN_SUFFIXES = (".safetensors", ".h5", ".hdf5", ".pth", ".pt")
"""Suffixes of URLs that other readers accept; any other URL may be a prefix."""

LIST_MAGIC = (0x112).to_bytes(8, "little")
"""The first bytes of an NDArray list."""


class MXNetReader:
    """Convert MXNet checkpoints to stores."""

    name = "mxnet"

    def can_read(self, path: str) -> bool:
        """Return whether ``path`` may be an MXNet checkpoint.

        Args:
            path: A folder, a file with one of :data:`SUFFIXES` or the bytes of an NDArray list, a prefix of such
                files, or a URL without one of :data:`FOREIGN_SUFFIXES`.

        Returns:
            True if :meth:`read` should be tried.
        """
        if is_url(path):
            return not path.lower().endswith(FOREIGN_SUFFIXES)
        if os.path.isdir(path) or path.lower().endswith(SUFFIXES):
            return True
        if os.path.isfile(path):
            return _begins_with(path, LIST_MAGIC)
        return any(glob.glob(glob.escape(path) + pattern) for pattern in PREFIX_PATTERNS)

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the checkpoints among the files of one folder; every epoch is one.

        Args:
            folder: The folder or URL that holds the files; not used.
            names: The names of all files in it.

        Returns:
            For each checkpoint its name, without ``.params``, and the names of its files.

        Example:
            >>> list(reader.find("", ["a-symbol.json", "a-0000.params", "b.params", "c.zip"]))
            [('a-0000', ('a-symbol.json', 'a-0000.params')), ('b', ('b.params',)), ('c.zip', ('c.zip',))]
        """
        for name in names:
            stem = re.sub(r"\.params$", "", name)
            if stem != name:
                yield stem, (*_symbol_of(re.sub(r"-[0-9]{4,}$", "", stem), names), name)
            elif name.lower().endswith(ARCHIVE_SUFFIXES):
                yield name, (name,)

    def read(self, *paths: str, **options: Any) -> Store:
        """Return the store of one checkpoint; see :func:`mxnet_to_neutral.read`.

        Args:
            paths: A prefix, or the files of one checkpoint in any order.
            options: ``epoch`` (int).

        Returns:
            The store, whose ``close`` removes the temporary files of an unpacked archive.

        Raises:
            SourceError: A file is missing, damaged, or does not belong to the others.
            UnsupportedError: The content cannot be expressed exactly.
            UsageError: The paths name no checkpoint.
        """
        from mxnet_to_neutral import read

        return read(*paths, **options)


def _symbol_of(prefix: str, names: Sequence[str]) -> tuple[str, ...]:
    return next(((prefix + suffix,) for suffix in ("-symbol.json", ".json") if prefix + suffix in names), ())


def _begins_with(path: str, magic: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False


reader: Reader = MXNetReader()
