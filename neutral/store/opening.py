"""Open a store, whatever its container and wherever it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from neutral.errors import SourceError
from neutral.store.containers import container_of

if TYPE_CHECKING:
    from neutral.store.store import Store


def open_store(path: str | os.PathLike[str], **options: Any) -> Store:
    """Open a store lazily; the same as :func:`neutral.open`.

    Args:
        path: A file, the index of a sharded store, or a URL of either.
        options: Options of the container's ``read``.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        SourceError: If there is no such file, or it cannot be read.
        StoreError: If the file is not a sound store.

    Example:
        >>> import tempfile
        >>> from neutral.store.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Store({}, {}).save(os.path.join(folder, "empty.safetensors"))
        ...     len(open_store(os.path.join(folder, "empty.safetensors")).tensors)
        0
    """
    from neutral.store.remote import is_url

    path = os.fspath(path)
    if is_url(path):
        from neutral.store import safetensors, shards

        return shards.read(path) if path.endswith(shards.INDEX_SUFFIX) else safetensors.read_remote(path)
    if not os.path.exists(path):
        raise SourceError(f"{path}: there is no such file.")
    if not os.path.isfile(path):
        raise SourceError(f"{path}: this is a folder, a pipe or a device, and a store is a file.")
    store: Store = container_of(path).read(path, **options)
    return store
