"""What the catalogue says of one checkpoint."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import Any

from neutral import plugins
from neutral.errors import NeutralError
from neutral.fleet.discovery import Checkpoint
from neutral.store.digests import sha256
from neutral.tensor import DTYPE_NAME, FileRange


@dataclass(frozen=True)
class Entry:
    """One checkpoint. ``status``: ``converted``, ``failed``, or ``duplicate``, of the input that ``store`` has.

    ``digest`` is the SHA-256 of the input's files: of the lines "digest, two spaces, name" in order. ``store`` is
    relative to the archive.
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
        lines = []
        for path in checkpoint.paths:
            digest = sha256(FileRange(path, 0, os.path.getsize(path)).chunks())
            lines.append(f"{digest}  {os.path.basename(path)}\n")
        return replace(entry, digest=hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest())
    except Exception as error:
        return replace(entry, error=_told(error))


def convert(checkpoint: Checkpoint, entry: Entry, destination: str) -> Entry:
    """Write the store of one checkpoint below ``destination``; a failure of any kind is in the entry."""
    target = f"{checkpoint.name}.safetensors"
    path = os.path.join(destination, target)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        reader = plugins.load(plugins.READERS, checkpoint.reader)
        with reader.read(*checkpoint.paths) as store:
            store.save(path)
            return replace(entry, status="converted", store=target, **_counts(store))
    except Exception as error:
        return replace(entry, status="failed", error=_told(error))


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
