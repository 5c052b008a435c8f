"""Identify and convert one checkpoint; the result is an entry of the catalogue."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Iterator

from neutral import plugins
from neutral.dtypes import DTYPE_NAME
from neutral.errors import NeutralError
from neutral.fleet.discovery import Checkpoint
from neutral.store.digests import sha256
from neutral.store.remote import RemoteFile, fetched, is_url
from neutral.tensor import FileRange

if TYPE_CHECKING:
    from neutral.store import Store


@dataclass(frozen=True)
class Entry:
    """The catalogue's record of one checkpoint.

    Args:
        name: The path of the checkpoint below the archive, without a suffix.
        sources: Its files, or URLs.
        digest: The SHA-256 of its file; for several files, the SHA-256 of their hexadecimal digests, one a line, in the
            order of ``sources``. Names of files are not part of it.
        status: ``converted``, ``failed``, or ``duplicate`` (``store`` was made from an identical input).
        store: The path of the store, relative to the archive.
        layers: The number of layers.
        parameters: The number of elements of all tensors.
        dtypes: The names of the dtypes, sorted.
        nbytes: The size of all tensors in bytes.
        error: The reason of a failure.
    """

    name: str
    sources: tuple[str, ...]
    digest: str | None = None
    status: str = "failed"
    store: str | None = None
    layers: int = 0
    parameters: int = 0
    dtypes: tuple[str, ...] = ()
    nbytes: int = 0
    error: str | None = None


def identify(checkpoint: Checkpoint) -> Entry:
    """Return an entry with the digest of a checkpoint's files; an exception becomes the entry's error."""
    entry = Entry(checkpoint.name, checkpoint.paths)
    try:
        digests = [sha256(_content(path)) for path in checkpoint.paths]
        whole = hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
        return replace(entry, digest=whole if len(digests) > 1 else digests[0])
    except Exception as error:
        return replace(entry, error=_message(error))


def convert(checkpoint: Checkpoint, entry: Entry, destination: str) -> Entry:
    """Write the store of one checkpoint; an exception becomes the entry's error.

    Args:
        checkpoint: The files.
        entry: The entry of :func:`identify`.
        destination: The folder of the archive.

    Returns:
        The completed entry.
    """
    target = f"{checkpoint.name}.safetensors"
    path = os.path.join(destination, target)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        reader = plugins.load(plugins.READERS, checkpoint.reader)
        with fetched(checkpoint.paths) as paths, reader.read(*paths) as store:
            store.save(path)
            return replace(entry, status="converted", store=target, **_counts(store))
    except Exception as error:
        return replace(entry, status="failed", error=_message(error))


def _content(path: str) -> Iterator[bytes]:
    return RemoteFile(path).chunks() if is_url(path) else FileRange(path, 0, os.path.getsize(path)).chunks()


def _counts(store: Store) -> dict[str, Any]:
    tensors = store.tensors.values()
    return {
        "layers": len(store.layers),
        "parameters": sum(tensor.size for tensor in tensors),
        "dtypes": tuple(sorted({DTYPE_NAME[tensor.dtype] for tensor in tensors})),
        "nbytes": sum(tensor.nbytes for tensor in tensors),
    }


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, NeutralError) else f"{type(error).__name__}: {error}"
