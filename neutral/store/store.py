"""The store: layers, graph, provenance and tensors, read when they are asked for."""

from __future__ import annotations

import os
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Mapping

from neutral.errors import UsageError
from neutral.graph import Graph, Layer
from neutral.store.progress import Progress
from neutral.tensor import Tensor, nbytes_of

if TYPE_CHECKING:
    import numpy as np

    from neutral.source import StoreSource


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
