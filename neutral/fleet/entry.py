"""What the catalogue says of one checkpoint."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import Any, Iterator

from neutral import plugins
from neutral.dtypes import DTYPE_NAME
from neutral.errors import NeutralError
from neutral.fleet.discovery import Checkpoint
from neutral.store.digests import sha256
from neutral.store.remote import RemoteFile, fetched, is_url
from neutral.tensor import FileRange


@dataclass(frozen=True)
class Entry:
    """One checkpoint. ``status``: ``converted``, ``failed``, or ``duplicate``, of the input that ``store`` has.

    ``digest`` is the SHA-256 of the input's file; of several files, that of their digests, a line each, in the order of
    ``sources``. What the files are called is no part of it. ``store`` is relative to the archive.
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
    """The entry with the digest of the input, before anything is converted; never raises."""
    entry = Entry(checkpoint.name, checkpoint.paths)
    try:
        digests = [sha256(_content(path)) for path in checkpoint.paths]
        whole = hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
        return replace(entry, digest=whole if len(digests) > 1 else digests[0])
    except Exception as error:
        return replace(entry, error=_told(error))


def convert(checkpoint: Checkpoint, entry: Entry, destination: str) -> Entry:
    """Write the store of one checkpoint below ``destination``; a failure of any kind is in the entry."""
    target = f"{checkpoint.name}.safetensors"
    path = os.path.join(destination, target)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        reader = plugins.load(plugins.READERS, checkpoint.reader)
        with fetched(checkpoint.paths) as paths, reader.read(*paths) as store:
            store.save(path)
            return replace(entry, status="converted", store=target, **_counts(store))
    except Exception as error:
        return replace(entry, status="failed", error=_told(error))


def _content(path: str) -> Iterator[bytes]:
    return RemoteFile(path).chunks() if is_url(path) else FileRange(path, 0, os.path.getsize(path)).chunks()


def _counts(store: Any) -> dict[str, Any]:
    tensors = store.tensors.values()
    return {
        "layers": len(store.layers),
        "parameters": sum(tensor.size for tensor in tensors),
        "dtypes": tuple(sorted({DTYPE_NAME[tensor.dtype] for tensor in tensors})),
        "nbytes": sum(tensor.nbytes for tensor in tensors),
    }


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, NeutralError) else f"{type(error).__name__}: {error}"
