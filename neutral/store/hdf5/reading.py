"""Open an HDF5 store."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from neutral import manifest
from neutral.dtypes import ITEM_SIZE
from neutral.errors import StoreError
from neutral.store.hdf5.contents import Contents, Entry, open_contents
from neutral.store.hdf5.process import ReadingProcess
from neutral.store.hdf5.regions import region_size, regions
from neutral.store.store import Store
from neutral.tensor import Tensor

_WRITTEN: set[tuple[int, int, int, int]] = set()
"""Files that this process has written, whose structure is sound."""


def remember_written(path: str) -> None:
    """Note that this process has written a file, which it can read itself until the file changes.

    Args:
        path: The file, complete and under its final name.
    """
    _WRITTEN.add(_identity(path))


def read(path: str) -> Store:
    """Open a store lazily.

    Args:
        path: The file.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        StoreError: If the file is not a sound store.
        UnsupportedError: If h5py is missing.

    Example:
        >>> import os, tempfile
        >>> from importlib.util import find_spec
        >>> from neutral.store import Store
        >>> if find_spec("h5py"):
        ...     with tempfile.TemporaryDirectory() as folder:
        ...         path = os.path.join(folder, "a.h5")
        ...         Store({}, {}, notes=("an example",)).save(path)
        ...         with read(path) as store:
        ...             assert store.notes == ("an example",)
    """
    source = Source(path)
    try:
        tensors = {entry[0]: _tensor(source, entry) for entry in source.tensors()}
        decoded = manifest.decode(source.manifest().decode(), path)
    except UnicodeDecodeError as error:
        source.close()
        raise StoreError(f"{path}: its manifest is not UTF-8 ({error}).") from None
    except BaseException:
        source.close()
        raise
    return Store(tensors=tensors, path=path, close=source.close, container_problems=source.problems, **decoded)


class Source:
    """A file that is read in a process of its own, or in this one if it has written the file.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._process = ReadingProcess(path)

    def manifest(self) -> bytes:
        """Return the bytes of the manifest.

        Returns:
            JSON in UTF-8.

        Raises:
            StoreError: If the manifest is missing, too long, or cannot be read.
        """
        with self._reader() as reader:
            return reader.manifest()

    def tensors(self) -> list[Entry]:
        """Return the tensors.

        Returns:
            For each tensor its key, the place of its dataset, its dtype code, shape, and the dataset's chunk shape.

        Raises:
            StoreError: If a dataset is not one of a store.
        """
        with self._reader() as reader:
            return reader.tensors()

    def problems(self) -> list[str]:
        """Return the differences between the manifest and the groups and attributes that people browse.

        Returns:
            A line for each difference.
        """
        with self._reader() as reader:
            return reader.problems()

    def blocks(self, place: str, dtype: str, shape: tuple[int, ...], chunk: tuple[int, ...]) -> Iterator[bytes]:
        """Read the bytes of a tensor.

        Args:
            place: The path of its dataset.
            dtype: Its code.
            shape: Its shape.
            chunk: The shape of the dataset's chunks.

        Yields:
            The bytes of one region after another, little-endian and in row-major order.

        Raises:
            StoreError: If a region cannot be read, or the file has changed.
        """
        with self._reader() as reader:
            for region in regions(shape, chunk, ITEM_SIZE[dtype]):
                block = reader.block(place, dtype, shape, region)
                if len(block) != region_size(region, shape) * ITEM_SIZE[dtype]:
                    raise StoreError(f"{self._path}: {place} was read in part. Run again.")
                yield block

    def close(self) -> None:
        """Release the process that reads; another one starts when more is read."""
        self._process.close()

    @contextmanager
    def _reader(self) -> Iterator[Contents | ReadingProcess]:
        if _identity(self._path) not in _WRITTEN:
            yield self._process
        else:
            with open_contents(self._path) as contents:
                yield contents


def _tensor(source: Source, entry: Entry) -> Tensor:
    _, place, dtype, shape, chunk = entry
    return Tensor(dtype, tuple(shape), lambda: source.blocks(place, dtype, tuple(shape), tuple(chunk)))


def _identity(path: str) -> tuple[int, int, int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
