"""Read the HDF5 container; see :mod:`neutral.store.hdf5`.

HDF5 files can refer to other files of the machine and claim any size, so links, external storage, filters and sizes are
checked before data are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator
from urllib.parse import unquote

from neutral import manifest
from neutral.dtypes import ITEM_SIZE, NUMPY_DTYPE
from neutral.errors import StoreError, UnsupportedError
from neutral.store.store import Store
from neutral.tensor import CHUNK, Tensor

if TYPE_CHECKING:
    import h5py

STORED_DTYPE = {**NUMPY_DTYPE, "BOOL": "|u1"}
"""NumPy type of the dataset by dtype code."""

_LARGEST_RATIO = 1 << 16
"""Bytes of data for one stored byte, at most: a MiB of equal bytes still takes some bytes when it is compressed."""


def import_h5py() -> Any:
    """Return the module h5py.

    Raises:
        UnsupportedError: If it is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise UnsupportedError("HDF5 stores need h5py: pip install 'neutral-weights[hdf5]'.") from None
    return h5py


def read(path: str) -> Store:
    """Open a store lazily.

    Args:
        path: The file.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        StoreError: If the file is not a sound store.
        UnsupportedError: If h5py is missing.
    """
    h5py = import_h5py()
    try:
        with h5py.File(path, "r") as file:
            tensors = {key: _tensor(path, place, dataset) for key, place, dataset in _datasets(path, file)}
            raw = bytes(_checked(path, "/manifest", _member(path, file, "manifest"))[()])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: this HDF5 file is damaged or not a neutral store ({error}).") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: its manifest is not UTF-8 ({error}).") from None
    return Store(tensors=tensors, path=path, **manifest.decode(text, path))


def _datasets(path: str, file: h5py.File) -> Iterator[tuple[str, str, h5py.Dataset]]:
    """Yield key, place and dataset of every tensor. Only hard links of the expected depth are followed."""
    seen = set()
    groups = [("/layers/" + name, group) for name, group in _members(path, "/layers", _member(path, file, "layers"))]
    groups.append(("/tensors", _member(path, file, "tensors")))
    for group_place, group in groups:
        for name, dataset in _members(path, group_place, group):
            place = f"{group_place}/{name}"
            checked = _checked(path, place, dataset)
            key = unquote(str(checked.attrs["key"]))
            if key not in seen:
                seen.add(key)
                yield key, place, checked


def _members(path: str, place: str, group: Any) -> Iterator[tuple[str, Any]]:
    import h5py

    if not isinstance(group, h5py.Group):
        raise StoreError(f"{path}: {place} is not a group.")
    for name in group:
        yield name, _member(path, group, name, place)


def _member(path: str, group: h5py.Group, name: str, place: str = "") -> Any:
    """Return a member of a group, None if there is none; soft and external links are refused, not followed."""
    import h5py

    link = group.get(name, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise StoreError(
            f"{path}: {place}/{unquote(name)} is a {type(link).__name__}; links out of a store are refused."
        )
    return group.get(name)


def _checked(path: str, place: str, dataset: Any) -> h5py.Dataset:
    """Return the dataset if its data are plain numbers in this file, and no more than the file can hold."""
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise StoreError(f"{path}: {place} is not a dataset.")
    if dataset.is_virtual or dataset.external:
        raise StoreError(f"{path}: {place} takes its data from another file, which a store never does.")
    if dataset.dtype.kind not in "iufb" or dataset.dtype.byteorder == ">":
        raise StoreError(f"{path}: {place} has type {dataset.dtype}; expected little-endian numbers.")
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    compressions = [code for code in filters if code not in (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)]
    for code in compressions:
        if not h5py.h5z.filter_avail(code):
            raise StoreError(f"{path}: {place} has the HDF5 filter {code}, which is not installed; try hdf5plugin.")
    stored, size = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
    if size > stored * (_LARGEST_RATIO if compressions else 1):
        raise StoreError(f"{path}: {place} claims {size} bytes and stores {stored}.")
    return dataset


def _tensor(path: str, place: str, dataset: h5py.Dataset) -> Tensor:
    code = str(dataset.attrs["dtype"])
    if code not in ITEM_SIZE or dataset.dtype.str != STORED_DTYPE[code]:
        raise StoreError(f"{path}: {place} states the dtype {code} and is stored as {dataset.dtype}.")
    return Tensor(code, tuple(map(int, dataset.shape)), lambda: _chunks(path, place))


def _chunks(path: str, place: str) -> Iterator[memoryview]:
    """Read the bytes of a dataset, some rows at a time."""
    import h5py
    import numpy as np

    try:
        with h5py.File(path, "r") as file:
            dataset = file[place]
            if dataset.size == 0:
                return
            if dataset.ndim == 0:
                yield np.ascontiguousarray(dataset[()]).reshape(-1).view(np.uint8).data
                return
            row = dataset.size // dataset.shape[0] * dataset.dtype.itemsize
            rows = max(1, CHUNK // row)
            for start in range(0, dataset.shape[0], rows):
                yield np.ascontiguousarray(dataset[start : start + rows]).reshape(-1).view(np.uint8).data
    except OSError as error:
        raise StoreError(f"{path}: {place} cannot be read: {error}") from None
