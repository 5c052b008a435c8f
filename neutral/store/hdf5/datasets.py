"""Members and attributes of HDF5 groups, read only if they are in the file and of a bounded size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Iterator
from urllib.parse import unquote

from neutral import limits
from neutral.errors import StoreError
from neutral.store.hdf5.regions import largest_block

if TYPE_CHECKING:
    import h5py


_LARGEST_RATIO = 1 << 16
"""Bytes of data for one stored byte, at most: a MiB of equal bytes still takes some bytes when it is compressed."""


def members(path: str, place: str, group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and objects of a group; links out of it are refused.

    Args:
        path: The path of the file, for messages.
        place: The group's path in it.
        group: The group.

    Yields:
        The name, still escaped, and the object.

    Raises:
        StoreError: If it is not a group, or a member is a soft or external link.
    """
    import h5py

    if not isinstance(group, h5py.Group):
        raise StoreError(f"{path}: {place} is not a group.")
    for name in group:
        yield name, member(path, group, name, place)


def member(path: str, group: h5py.Group, name: str, place: str = "") -> Any:
    """Return a member of a group, None if there is none; soft and external links are refused, not followed.

    Args:
        path: The path of the file, for messages.
        group: The group.
        name: The escaped name of the member.
        place: The group's path, for messages.

    Returns:
        The group or dataset.

    Raises:
        StoreError: If the member is a soft or external link.
    """
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise StoreError(
            f"{path}: {place}/{unquote(name)} is a {type(link).__name__}; links out of a store are refused."
        )
    return group[name]


def resolve(path: str, file: h5py.File, place: str) -> Any:
    """Return the object at an absolute place, by hard links alone.

    Args:
        path: The path of the file, for messages.
        file: The file.
        place: An absolute path in it, such as ``/tensors/fc/weight``.

    Returns:
        The group or dataset, None if there is none.

    Raises:
        StoreError: If a step is a soft or external link.
    """
    item: Any = file
    for name in place[1:].split("/"):
        item = member(path, item, name) if isinstance(item, type(file["/"])) else None
    return item


def check_dataset(path: str, place: str, dataset: Any) -> h5py.Dataset:
    """Return the dataset if its data are plain numbers in this file, and no more than the file can hold.

    Args:
        path: The path of the file, for messages.
        place: The path in it.
        dataset: The object of that place.

    Returns:
        ``dataset`` itself.

    Raises:
        StoreError: If it is not such a dataset.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise StoreError(f"{path}: {place} is not a dataset.")
    if dataset.is_virtual or dataset.external:
        raise StoreError(f"{path}: {place} takes its data from another file, which a store never does.")
    if dataset.dtype.kind not in "iufb" or dataset.dtype.byteorder == ">":
        raise StoreError(f"{path}: {place} has type {dataset.dtype}; expected little-endian numbers.")
    if dataset.shape is None:
        raise StoreError(f"{path}: {place} has no shape; expected an array.")
    compressed = _is_compressed(path, place, dataset)
    stored, size = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
    if size > stored * (_LARGEST_RATIO if compressed else 1):
        raise StoreError(f"{path}: {place} claims {size} bytes and stores {stored}.")
    block = largest_block(dataset.shape, chunk_shape(dataset), dataset.dtype.itemsize)
    if block > limits.HDF5_BLOCK_BYTES.value:
        raise StoreError(
            f"{path}: {place} has chunks that force {block} bytes to be unpacked at once. "
            f"{limits.HDF5_BLOCK_BYTES.advice} Or write it again in smaller chunks with h5repack."
        )
    return dataset


def chunk_shape(dataset: h5py.Dataset) -> tuple[int, ...]:
    """Return the shape of the chunks of a dataset, ones if it has no chunks.

    Args:
        dataset: The dataset, of any rank.

    Returns:
        An extent for each axis.
    """
    return tuple(dataset.chunks or (1,) * dataset.ndim)


def text_attribute(path: str, place: str, item: Any, name: str) -> str:
    """Return an attribute that is one text.

    Args:
        path: The path of the file, for messages.
        place: The path of the object in it.
        item: The group or dataset.
        name: The name of the attribute.

    Returns:
        The text.

    Raises:
        StoreError: If the attribute is not a text.
    """
    value = attribute(path, place, item, name)
    if not isinstance(value, str):
        raise StoreError(f"{path}: the attribute {name!r} of {place} is not a text.")
    return value


def attribute(path: str, place: str, item: Any, name: str) -> Any:
    """Return the value of an attribute: a text, a number or an array of numbers.

    Args:
        path: The path of the file, for messages.
        place: The path of the object in it.
        item: The group or dataset.
        name: The name of the attribute, which exists.

    Returns:
        A ``str``, a NumPy scalar or an array.

    Raises:
        StoreError: If it is of another type, or larger than the file.
    """
    import h5py

    identity = item.attrs.get_id(name)
    is_text = h5py.check_string_dtype(identity.dtype) is not None
    if identity.dtype.kind not in "iufb" and not (is_text and identity.shape == ()):
        raise StoreError(f"{path}: the attribute {name!r} of {place} is neither numbers nor a text.")
    size = prod(identity.shape) * identity.dtype.itemsize
    if size > item.file.id.get_filesize():  # attributes are never compressed
        raise StoreError(f"{path}: the attribute {name!r} of {place} claims {size} bytes.")
    return item.attrs[name]


def _is_compressed(path: str, place: str, dataset: h5py.Dataset) -> bool:
    """Return whether data may take less room than they have bytes; refuse filters that are not installed."""
    import h5py

    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    compressions = [code for code in filters if code not in (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)]
    for code in compressions:
        if not h5py.h5z.filter_avail(code) and not _load_plugins(code):
            raise StoreError(f"{path}: {place} has the HDF5 filter {code}, which is not installed; try hdf5plugin.")
    return bool(compressions)


def _load_plugins(code: int) -> bool:
    """Import hdf5plugin if it is installed; return whether it has a filter."""
    import h5py

    try:
        import hdf5plugin  # noqa: F401
    except ImportError:
        return False
    available: bool = h5py.h5z.filter_avail(code)
    return available
