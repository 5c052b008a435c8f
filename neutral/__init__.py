"""Neutral stores: layer-typed tensors with their dataflow graph and provenance, independent of any framework.

:func:`open` opens a store. NumPy is imported when a tensor is read, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from neutral.store import Store

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | os.PathLike[str]) -> Store:
    """Open a store lazily.

    Args:
        path: A safetensors or HDF5 file, the index of a sharded store, or a URL of a safetensors file or index.

    Returns:
        The store, a context manager. Nothing but its header has been read.

    Raises:
        SourceError: If there is no such file, or it cannot be read.
        StoreError: If the file is not a sound store.

    Example:
        >>> import os, tempfile
        >>> from neutral.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "empty.safetensors")
        ...     Store({}, {}, notes=("an example",)).save(path)
        ...     with open(path) as store:
        ...         print(store.notes, len(store.layers))
        ('an example',) 0
    """
    from neutral.store import open_store

    return open_store(path)
