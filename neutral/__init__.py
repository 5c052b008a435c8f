"""The neutral store: layer-typed tensors, their graph and their provenance, of no framework.

``open`` is the way in. NumPy is imported when a tensor is read, never before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from neutral.store import Store

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | os.PathLike[str]) -> Store:
    """Open a store of any container (safetensors, HDF5, shards), lazily.

    Raises :class:`neutral.errors.SourceError` where there is no such file and
    :class:`neutral.errors.StoreError` where the file is not a sound store.
    """
    from neutral.store import open_store

    return open_store(path)
