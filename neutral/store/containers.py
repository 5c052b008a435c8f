"""Which module reads and writes which container. A container module offers ``read``, ``write`` and ``recognises``."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from neutral.errors import SourceError, StoreError, UsageError

_OF_SUFFIX = {
    ".safetensors": "neutral.store.safetensors",
    ".h5": "neutral.store.hdf5",
    ".hdf5": "neutral.store.hdf5",
}
_CONTAINERS = ("neutral.store.safetensors", "neutral.store.hdf5", "neutral.store.shards")


def container_for(path: str | os.PathLike[str]) -> Any:
    """The module that writes what this path's suffix asks for."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in _OF_SUFFIX:
        raise UsageError(f"{os.fspath(path)}: a store's suffix is {' or '.join(_OF_SUFFIX)}.")
    return import_module(_OF_SUFFIX[suffix])


def container_of(path: str) -> Any:
    """The module that reads this file, known by its first bytes, not by its name."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
    for name in _CONTAINERS:
        module = import_module(name)
        if module.recognises(head):
            return module
    raise StoreError(f"{path}: this is no neutral store (its first bytes are {head[:16].hex() or 'none'}).")
