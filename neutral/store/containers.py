"""Find the module of a container, which offers ``read``, ``write`` and ``recognises``; it is imported on demand."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from neutral.errors import SourceError, StoreError, UsageError

_BY_SUFFIX = {
    ".safetensors": "neutral.store.safetensors",
    ".h5": "neutral.store.hdf5",
    ".hdf5": "neutral.store.hdf5",
}
_CONTAINERS = ("neutral.store.safetensors", "neutral.store.hdf5", "neutral.store.shards")


def container_for(path: str | os.PathLike[str]) -> Any:
    """Return the module that writes the container of a path's suffix.

    Args:
        path: The file to write; upper and lower case of its suffix are equal.

    Returns:
        A module with ``write``.

    Raises:
        UsageError: If the suffix is unknown.

    Example:
        >>> container_for("model.safetensors").__name__
        'neutral.store.safetensors'
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in _BY_SUFFIX:
        raise UsageError(f"{os.fspath(path)}: unknown suffix {suffix!r}; expected one of {', '.join(_BY_SUFFIX)}.")
    return import_module(_BY_SUFFIX[suffix])


def container_of(path: str) -> Any:
    """Return the module that reads a file, by the first bytes of the file.

    Args:
        path: The file.

    Returns:
        A module with ``read``.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If no container recognises it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights")
        ...     with open(path, "wb") as file:
        ...         _ = file.write((2).to_bytes(8, "little") + b"{}")
        ...     container_of(path).__name__
        'neutral.store.safetensors'
    """
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
    for name in _CONTAINERS:
        module = import_module(name)
        if module.recognises(head):
            return module
    raise StoreError(f"{path}: not a neutral store (its first bytes are {head[:16].hex() or 'none'}).")
