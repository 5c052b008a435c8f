"""The reader as the command line sees it: see :mod:`neutral.plugins`."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral.store.remote import is_url

if TYPE_CHECKING:
    from neutral.store import Store

SUFFIXES = (".params", ".json", ".npz", ".states", ".tar.gz", ".tgz", ".tar", ".zip")
"""What MXNet calls its files. ``.states`` (a pickle) is taken so that :func:`read` can refuse it by name."""

PREFIX_ENDINGS = ("-symbol.json", "-[0-9][0-9][0-9][0-9]*.params", ".json", ".params")
"""What is added to a prefix."""

STORES = (".safetensors", ".h5", ".hdf5", ".pth", ".pt")
"""What ends a URL of something else; any other may be a prefix."""

LIST_MAGIC = (0x112).to_bytes(8, "little")
"""How a list of NDArrays begins, whatever the file is called."""


class MXNetReader:
    name = "mxnet"

    def can_read(self, path: str) -> bool:
        if is_url(path):
            return not path.lower().endswith(STORES)
        if os.path.isdir(path) or path.lower().endswith(SUFFIXES):
            return True
        if os.path.isfile(path):
            return _begins_with(path, LIST_MAGIC)
        return any(glob.glob(glob.escape(path) + ending) for ending in PREFIX_ENDINGS)

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The checkpoints among the files of a folder: a name for each, and its files. Every epoch is one."""
        for name in names:
            stem = re.sub(r"\.params$", "", name)
            if stem != name:
                yield stem, (*_symbol_of(re.sub(r"-[0-9]{4,}$", "", stem), names), name)
            elif name.lower().endswith((".tar.gz", ".tgz", ".tar", ".zip")):
                yield name, (name,)

    def read(self, *paths: str, **options: Any) -> Store:
        from mxnet_to_neutral import read

        return read(*paths, **options)


def _symbol_of(prefix: str, names: Sequence[str]) -> tuple[str, ...]:
    return next(((prefix + ending,) for ending in ("-symbol.json", ".json") if prefix + ending in names), ())


def _begins_with(path: str, magic: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False


reader = MXNetReader()
