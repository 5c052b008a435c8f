"""Identify and convert one checkpoint; the result is an entry of the catalogue."""

from __future__ import annotations

import filecmp
import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from neutral import plugins
from neutral.dtypes import DTYPE_NAME
from neutral.errors import NeutralError
from neutral.fleet.discovery import Checkpoint
from neutral.members import split_member
from neutral.store.digests import sha256
from neutral.store.remote import RemoteFile, fetched, is_url
from neutral.tensor import FileRange

if TYPE_CHECKING:
    from neutral.store import Store


CONVERTED, DUPLICATE, FAILED, SUPERSEDED = STATUSES = ("converted", "duplicate", "failed", "superseded")


@dataclass(frozen=True)
class Entry:
    """The catalogue's record of one checkpoint.

    Args:
        name: The path of the checkpoint below the archive, without a suffix.
        sources: Its files, or URLs.
        digest: The SHA-256 of its file; for several files, the SHA-256 of their hexadecimal digests, one a line, in the
            order of ``sources``. Names of files are not part of it. Of a member of an archive, that of the archive's
            digest and the member's name, a line each.
        status: ``converted``, ``failed``, ``duplicate`` (``store`` was made from an identical input), or ``superseded``
            (the files have changed since ``store`` was made).
        store: The path of the store, relative to the archive.
        layers: The number of layers.
        parameters: The number of elements of all tensors.
        dtypes: The names of the dtypes, sorted.
        nbytes: The size of all tensors in bytes.
        error: The reason of a failure.
        has_graph: Whether the store has a graph; None where nothing was converted, or by a version that did not tell.
        opaque: The number of nodes whose operator the catalogue does not have.

    Example:
        >>> entry = Entry("vision/resnet", ("resnet-symbol.json", "resnet-0000.params"), error="not readable")
        >>> entry.status, entry.store
        ('failed', None)
    """

    name: str
    sources: tuple[str, ...]
    digest: str | None = None
    status: str = FAILED
    store: str | None = None
    layers: int = 0
    parameters: int = 0
    dtypes: tuple[str, ...] = ()
    nbytes: int = 0
    error: str | None = None
    has_graph: bool | None = None
    opaque: int = 0


def identify(checkpoint: Checkpoint) -> Entry:
    """Return an entry with the digest of a checkpoint's files; an exception becomes the entry's error.

    Args:
        checkpoint: The checkpoint; URLs are downloaded to be hashed.

    Returns:
        An entry of status ``failed`` until the checkpoint has been converted.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.params")
        ...     with open(path, "wb") as file:
        ...         _ = file.write(b"abc")
        ...     entry = identify(Checkpoint("net", "mxnet", (path,)))
        >>> entry.status, entry.digest == hashlib.sha256(b"abc").hexdigest()
        ('failed', True)
    """
    entry = Entry(checkpoint.name, checkpoint.paths)
    try:
        digests = [_digest(path) for path in checkpoint.paths]
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
    try:
        reader = plugins.load(plugins.READERS, checkpoint.reader)
        with fetched(checkpoint.paths) as paths, reader.read(*paths) as store:
            target = _save(store, destination, entry)
            return replace(entry, status=CONVERTED, store=target, **_counts(store))
    except Exception as error:
        return replace(entry, status=FAILED, error=_message(error))


def _save(store: Store, destination: str, entry: Entry) -> str:
    """Save a store under the entry's name; keep a file of this name that has other content, and add the digest."""
    target = f"{entry.name}.safetensors"
    path = os.path.join(destination, target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.lexists(path):
        store.save(path)
        return target
    other_target = f"{entry.name}~{(entry.digest or '')[:12]}.safetensors"
    other = os.path.join(destination, other_target)
    store.save(other)
    if os.path.isfile(path) and filecmp.cmp(path, other, shallow=False):  # of a run that was killed
        os.unlink(other)
        return target
    return other_target


def _digest(path: str) -> str:
    """Return the digest of a file; of a member of an archive, that of the archive's digest and the member's name."""
    if is_url(path):
        return sha256(RemoteFile(path).chunks())
    file, member = (path, "") if os.path.isfile(path) else split_member(path)
    digest = sha256(FileRange(file, 0, os.path.getsize(file)).chunks())
    return hashlib.sha256(f"{digest}\n{member}\n".encode("utf-8", "surrogateescape")).hexdigest() if member else digest


def _counts(store: Store) -> dict[str, Any]:
    tensors = store.tensors.values()
    return {
        "layers": len(store.layers),
        "parameters": sum(tensor.size for tensor in tensors),
        "dtypes": tuple(sorted({DTYPE_NAME[tensor.dtype] for tensor in tensors})),
        "nbytes": sum(tensor.nbytes for tensor in tensors),
        "has_graph": store.graph is not None,
        "opaque": 0 if store.graph is None else sum(node.kind == "opaque" for node in store.graph.nodes),
    }


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, NeutralError) else f"{type(error).__name__}: {error}"
