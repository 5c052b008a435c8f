"""Read an HDF5 file; it can refer to other files and claim any size, so all is checked before data are read.

On a damaged file this code may hang or crash in the HDF5 library. :mod:`neutral.store.hdf5.server` runs it in a process
with limits.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Sequence, Tuple
from urllib.parse import unquote

from neutral import limits, manifest
from neutral.dtypes import ITEM_SIZE
from neutral.errors import StoreError
from neutral.store.hdf5.comparison import tree_problems
from neutral.store.hdf5.datasets import check_dataset, chunk_shape, member, members, resolve, text_attribute
from neutral.store.hdf5.layout import STORED_DTYPE, import_h5py
from neutral.store.hdf5.regions import Region

if TYPE_CHECKING:
    import h5py

Entry = Tuple[str, str, str, List[int], List[int]]
"""Key, place, dtype code, shape and chunk shape of a tensor."""

H5PY_ERRORS = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError)
"""What h5py raises for damaged files."""


class Contents:
    """The content of an open file.

    Args:
        path: The path of the file.
        file: The file, opened with h5py.
        step: Called before each object that is read, to renew a limit of time.
    """

    def __init__(self, path: str, file: h5py.File, step: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._file = file
        self._step = step
        self._last: tuple[str, Any] = ("", None)

    def manifest(self) -> bytes:
        """Return the bytes of the manifest.

        Returns:
            JSON in UTF-8.

        Raises:
            StoreError: If there is no manifest, or it is too long.
        """
        dataset = check_dataset(self._path, "/manifest", member(self._path, self._file, "manifest"))
        if dataset.nbytes > limits.MANIFEST_BYTES.value:
            raise StoreError(f"{self._path}: its manifest takes {dataset.nbytes} bytes. {limits.MANIFEST_BYTES.advice}")
        return bytes(dataset[()])

    def tensors(self) -> list[Entry]:
        """Return the tensors; a tensor that several layers share is listed once.

        Returns:
            For each tensor its key, the place of its dataset, its dtype code, shape, and the dataset's chunk shape.

        Raises:
            StoreError: If a dataset is not one of a store, or all together unpack to too many bytes.
        """
        seen: dict[str, Entry] = {}
        total = 0
        for place, dataset in self._datasets():
            self._step()
            entry = self._entry(place, check_dataset(self._path, place, dataset))
            if entry[0] not in seen:
                seen[entry[0]] = entry
                total += dataset.nbytes
        limit = limits.unpacked_limit(self._file.id.get_filesize())
        if total > limit:
            raise StoreError(
                f"{self._path}: its tensors take {total} bytes unpacked, and at most {limit} are expected of a file of "
                f"this size. {limits.UNPACKED_GROWTH.advice}"
            )
        return list(seen.values())

    def block(self, place: str, dtype: str, shape: Sequence[int], region: Region) -> bytes:
        """Return a region of a tensor.

        Args:
            place: The path of the dataset.
            dtype: The dtype code that it had, such as ``F32``.
            shape: The shape that it had.
            region: Start and stop for each of the first axes; the others are whole.

        Returns:
            The bytes, little-endian and in row-major order.

        Raises:
            StoreError: If the tensor has changed since the file was opened.
        """
        import numpy as np

        self._step()
        if self._last[0] != place:
            self._last = place, check_dataset(self._path, place, resolve(self._path, self._file, place))
        dataset = self._last[1]
        if dataset.shape != tuple(shape) or dataset.dtype.str != STORED_DTYPE[dtype]:
            raise StoreError(f"{self._path}: {place} was changed while it was read. Run again.")
        index = tuple(slice(start, stop) for start, stop in region)
        return np.ascontiguousarray(dataset[index]).tobytes()

    def problems(self) -> list[str]:
        """Return the differences between the manifest and the groups and attributes that people browse.

        Returns:
            A line for each difference.
        """
        layers = manifest.decode(self.manifest().decode(), self._path)["layers"]
        return list(tree_problems(self._path, self._file, layers, self._step))

    def _datasets(self) -> Iterator[tuple[str, Any]]:
        """Yield place and dataset of every tensor. Only hard links of the expected depth are followed."""
        path, file = self._path, self._file
        layers = members(path, "/layers", member(path, file, "layers"))
        groups = [(f"/layers/{name}", group) for name, group in layers]
        groups.append(("/tensors", member(path, file, "tensors")))
        for place, group in groups:
            self._step()
            for name, dataset in members(path, place, group):
                yield f"{place}/{name}", dataset

    def _entry(self, place: str, dataset: h5py.Dataset) -> Entry:
        code = text_attribute(self._path, place, dataset, "dtype")
        if code not in ITEM_SIZE or dataset.dtype.str != STORED_DTYPE[code]:
            raise StoreError(f"{self._path}: {place} states the dtype {code} and is stored as {dataset.dtype}.")
        key = unquote(text_attribute(self._path, place, dataset, "key"))
        return key, place, code, list(map(int, dataset.shape)), list(map(int, chunk_shape(dataset)))


@contextmanager
def open_contents(path: str, step: Callable[[], None] = lambda: None) -> Iterator[Contents]:
    """Open a file; in the block, errors of h5py become StoreError.

    Args:
        path: The file.
        step: Called before each object that is read.

    Yields:
        The contents, until the block ends.

    Raises:
        UnsupportedError: If h5py is missing.
        StoreError: If the file is damaged.
    """
    h5py = import_h5py()
    with damage_reported(path), h5py.File(path, "r") as file:
        yield Contents(path, file, step)


@contextmanager
def damage_reported(path: str) -> Iterator[None]:
    """Turn the errors of h5py in the block into StoreError.

    Args:
        path: The file, for the message.

    Raises:
        StoreError: If the block raises an error of h5py.

    Example:
        >>> with damage_reported("a.h5"):
        ...     raise OSError("bad signature")
        Traceback (most recent call last):
        neutral.errors.StoreError: a.h5: this HDF5 file is damaged or not a neutral store (bad signature).
    """
    try:
        yield
    except H5PY_ERRORS as error:
        problem = str(error) or type(error).__name__
        raise StoreError(f"{path}: this HDF5 file is damaged or not a neutral store ({problem}).") from None
