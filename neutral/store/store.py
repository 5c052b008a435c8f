"""The store: layers, graph, provenance and tensors, read when they are asked for."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple

from neutral.errors import SourceError, UsageError
from neutral.graph import Graph, Layer
from neutral.tensor import FileRange, Tensor, nbytes_of

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


class Piece(NamedTuple):
    """A stretch of a source file: the bytes of a stored tensor, its axes first permuted by ``permutation``.

    ``start`` and ``nbytes`` choose a part of those bytes, where the source kept apart what the store joins.
    """

    tensor: str
    permutation: tuple[int, ...] | None = None
    start: int = 0
    nbytes: int | None = None


@dataclass(frozen=True)
class SourceFile:
    """A file the store was made from, and how to give it back.

    ``pieces`` are its parts in order: a number is that many bytes of ``skeleton`` (everything that is no tensor's
    data), a :class:`Piece` is a tensor. A text file has ``text`` instead. ``origin`` is where the file is now; it
    is not stored. ``sha256`` is None until the store has been written or digests were turned off.
    """

    name: str
    role: str
    format: str
    size: int
    pieces: tuple[int | Piece, ...] = ()
    skeleton: bytes = b""
    text: str | None = None
    sha256: str | None = None
    origin: FileRange | None = field(default=None, compare=False)


@dataclass(frozen=True)
class StoreSource:
    """The framework and the files a store was made from."""

    framework: str
    version: str | None
    files: tuple[SourceFile, ...] = ()


class Store:
    """Layer-typed tensors with their graph and provenance.

    ``layers`` are in execution order, by name. ``tensors`` maps each key to a :class:`neutral.tensor.Tensor`, of which
    nothing is in memory. ``notes`` say what was inferred, what is unused and what could not be expressed.
    ``digests`` are SHA-256 by tensor key, empty before the store was written.
    """

    def __init__(
        self,
        layers: Mapping[str, Layer],
        tensors: Mapping[str, Tensor],
        graph: Graph | None = None,
        source: StoreSource | None = None,
        notes: tuple[str, ...] = (),
        digests: Mapping[str, str] | None = None,
        path: str | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.layers = layers
        self.tensors = tensors
        self.graph = graph
        self.source = source
        self.notes = notes
        self.digests = digests or {}
        self.path = path
        self._close = close

    def __getitem__(self, key: str) -> np.ndarray:
        """The tensor under ``key`` as a NumPy array; bfloat16 as its bits in uint16."""
        try:
            tensor = self.tensors[key]
        except KeyError:
            raise UsageError(f"{self.path or 'the store'} has no tensor {key!r}.") from None
        return tensor.numpy()

    @property
    def nbytes(self) -> int:
        """The bytes of all tensors."""
        return sum([nbytes_of(dtype, shape) for dtype, shape, _ in self.tensors.values()])

    def save(self, path: str | os.PathLike[str], *, digests: bool = True, progress: Progress | None = None) -> None:
        """Write the store to ``path`` or a URL; the suffix decides the container (``.safetensors``, ``.h5``).

        The file appears whole or not at all, and is on the disk when this returns. Raises
        :class:`neutral.errors.TargetError` where it cannot be written.
        """
        from neutral.store.containers import container_for
        from neutral.store.remote import is_url, put

        target, container = os.fspath(path), container_for(path)
        if not is_url(target):
            container.write(self, target, digests=digests, progress=progress)
            return
        with tempfile.TemporaryDirectory(prefix="neutral-") as folder:
            local = os.path.join(folder, os.path.basename(target))
            container.write(self, local, digests=digests, progress=progress)
            put(local, target)

    def close(self) -> None:
        """Release what the store holds: handles, and temporary files of unpacked archives."""
        if self._close is not None:
            self._close()
            self._close = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.path or 'unsaved'}: {len(self.layers)} layers, {len(self.tensors)} tensors>"


def open_store(path: str | os.PathLike[str], **options: Any) -> Store:
    """See :func:`neutral.open`."""
    from neutral.store.containers import container_of
    from neutral.store.remote import is_url

    path = os.fspath(path)
    if is_url(path):
        from neutral.store import safetensors, shards

        return shards.read(path) if path.endswith(shards.INDEX_SUFFIX) else safetensors.read_remote(path)
    if not os.path.exists(path):
        raise SourceError(f"{path}: there is no such file.")
    if not os.path.isfile(path):
        raise SourceError(f"{path}: this is a folder, a pipe or a device, and a store is a file.")
    return container_of(path).read(path, **options)
