"""The store: layers, graph, provenance and tensors that are read on demand."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Mapping, Sequence

from neutral.errors import UsageError
from neutral.graph import Graph, Layer
from neutral.store.progress import Observer, Progress
from neutral.store.source_versions import SourceVersions, files_of
from neutral.tensor import Tensor, nbytes_of

if TYPE_CHECKING:
    import numpy as np

    from neutral.notebook import Picture
    from neutral.source import StoreSource


class Store:
    """Layer-typed tensors with their graph and provenance; a context manager.

    Args:
        layers: The layers by name, in execution order.
        tensors: The tensors by key; none is in memory.
        graph: The dataflow graph; None if the source has none.
        source: The framework and the files that the store was made from; None if there are none.
        notes: Sentences for people: facts that were inferred, arrays that are unused, operators that are opaque.
        digests: SHA-256 by tensor key; empty until the store has been written.
        path: The file or URL that the store was opened from.
        close: A function that releases the resources of the tensors.
        container_problems: A function that returns the differences between the manifest and a container that says more.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> layers = {"scale": Layer("scale", "parameter", {}, {"value": "scale.value"})}
        >>> store = Store(layers, {"scale.value": from_numpy(np.ones(3, np.float32))})
        >>> store, store["scale.value"]
        (<Store unsaved: 1 layers, 1 tensors>, array([1., 1., 1.], dtype=float32))
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
        container_problems: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.layers = layers
        self.tensors = tensors
        self.graph = graph
        self.source = source
        self.notes = notes
        self.digests = digests or {}
        self.path = path
        self.container_problems = container_problems
        self._close = close
        files = () if source is None else source.files
        opened = {file.location.path for file in files if file.location is not None} | ({path} if path else set())
        self._opened = SourceVersions(opened)

    def source_versions(self) -> SourceVersions:
        """Return the versions of the files that are read: those of now, or of when the store was opened.

        Returns:
            The versions, to check after reading.
        """
        versions = SourceVersions(files_of(self.tensors))
        versions.update(self._opened)
        return versions

    def made_from(self, *stores: Store) -> Store:
        """Watch the files of other stores, too: tensors that are computed from theirs read them.

        Args:
            stores: The stores that this one was made from.

        Returns:
            This store.
        """
        for store in stores:
            self._opened.update(store.source_versions())
        return self

    def __getitem__(self, key: str) -> np.ndarray:
        """Read a tensor.

        Args:
            key: The key, ``layer.role``.

        Returns:
            The array; bfloat16 as its bits in uint16.

        Raises:
            UsageError: If there is no such tensor.
        """
        try:
            tensor = self.tensors[key]
        except KeyError:
            raise UsageError(f"{self.path or 'the store'} has no tensor {key!r}.") from None
        return tensor.numpy()

    @property
    def nbytes(self) -> int:
        """The bytes of all tensors."""
        return sum([nbytes_of(dtype, shape) for dtype, shape, _ in self.tensors.values()])

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        digests: bool = True,
        progress: Progress | None = None,
        observe: Observer | None = None,
    ) -> None:
        """Write the store atomically; it is on the disk when this returns.

        Args:
            path: A file or a URL. Its suffix decides the container: ``.safetensors``, ``.h5`` or ``.hdf5``.
            digests: Compute the digests that the store does not know yet.
            progress: A callback that gets the bytes done and the bytes in all.
            observe: A callback that gets the key of each tensor and its bytes, in chunks, as they are written.

        Raises:
            UsageError: If the suffix is unknown.
            TargetError: If the file cannot be written.
        """
        from neutral.scratch import ScratchFolder
        from neutral.store.containers import container_for
        from neutral.store.remote import is_url, put

        target, container = os.fspath(path), container_for(path)
        if not is_url(target):
            container.write(self, target, digests=digests, progress=progress, observe=observe)
            return
        with ScratchFolder() as folder:
            local = os.path.join(folder, os.path.basename(target))
            container.write(self, local, digests=digests, progress=progress, observe=observe)
            put(local, target)

    def plot(self, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Picture:
        """Draw the page of ``neutral inspect --html``: the graph, and the layers with statistics and origins.

        Every tensor is read, for its statistics.

        Args:
            shapes: Shapes of inputs by name, for the shapes of values; others are those of the graph, or the first
                common ones that fit.

        Returns:
            An object that notebooks show; its ``save`` writes the page.

        Raises:
            StoreError: If the store contradicts the catalogue.
            UsageError: If an input is unknown.
            MismatchError: If the network cannot run on inputs of the given shapes.
            SourceError: If a tensor cannot be read.
        """
        from importlib import import_module

        from neutral.notebook import Picture

        name = self.path or "unsaved store"
        draw = import_module("neutral.cli.picture").picture_text  # which evaluates shapes of stores: no import of ours
        return Picture(os.path.basename(name) or name, draw(self, name, shapes or {}))

    def close(self) -> None:
        """Release open handles and the temporary files of unpacked archives."""
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

    def _repr_html_(self) -> str:
        from neutral.notebook import html_table

        rows = (
            (
                layer.name,
                layer.kind,
                "; ".join(
                    f"{role} {self.tensors[key].dtype} {list(self.tensors[key].shape)}"
                    for role, key in layer.tensors.items()
                ),
            )
            for layer in self.layers.values()
        )
        return html_table(repr(self)[1:-1], ("layer", "kind", "tensors"), rows, len(self.layers))
