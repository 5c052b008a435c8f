"""Write the HDF5 container; see :mod:`neutral.store.hdf5`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from neutral import manifest
from neutral.errors import TargetError, UnsupportedError, UsageError
from neutral.store.atomic import atomic_file
from neutral.store.digests import sha256
from neutral.store.error_keeping_file import ErrorKeepingFile
from neutral.store.hdf5.layout import STORED_DTYPE, VERSION, escape_key, escape_name, import_h5py, layer_attributes
from neutral.store.hdf5.reading import remember_written
from neutral.store.progress import ByteCounter, Observer, Progress
from neutral.store.source_files import source_file_chunks
from neutral.store.store import Store
from neutral.tensor import CHUNK

if TYPE_CHECKING:
    import h5py
    import numpy as np

_CHUNK = 1 << 20
"""Bytes of a chunk of a dataset, about."""

_PLUGIN_FILTERS = ("Blosc", "Blosc2", "BZip2", "LZ4", "Zstd", "Zfp", "Bitshuffle")


def write(
    store: Store,
    path: str,
    *,
    digests: bool = True,
    progress: Progress | None = None,
    compression: str | None = None,
    observe: Observer | None = None,
) -> None:
    """Write a store atomically; see :meth:`neutral.store.Store.save`.

    Args:
        store: The store.
        path: The file to write.
        digests: Compute the digests that the store does not know yet.
        progress: A callback that gets the bytes done and the bytes in all.
        compression: ``gzip``, or a filter of hdf5plugin such as ``zstd``; None: none.
        observe: A callback that gets the key of each tensor and its bytes, in chunks, as they are written.

    Raises:
        UsageError: If the compression is unknown.
        UnsupportedError: If h5py or hdf5plugin is missing.
        TargetError: If the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> from importlib.util import find_spec
        >>> from neutral.store import Store
        >>> if find_spec("h5py"):
        ...     with tempfile.TemporaryDirectory() as folder:
        ...         write(Store({}, {}), os.path.join(folder, "a.h5"), compression="gzip")
        ...         assert os.listdir(folder) == ["a.h5"]
    """
    h5py = import_h5py()
    options = _filter_options(compression)
    counter, versions = ByteCounter(store.nbytes, progress), store.source_versions()
    tensor_digests = dict(store.digests)
    with atomic_file(path) as target:
        output = ErrorKeepingFile(target)
        try:
            with h5py.File(output, "w", libver=("v110", "v110")) as file:
                file.attrs["format"], file.attrs["version"] = manifest.KEY, VERSION
                for key, group, name in _places(store, file):
                    array = _write_tensor(store, key, group, name, options)
                    output.check()
                    content = array.reshape(-1).view("|u1").data
                    if digests and key not in tensor_digests:
                        tensor_digests[key] = hashlib.sha256(content).hexdigest()
                    if observe is not None:
                        for start in range(0, len(content), CHUNK):
                            observe(key, content[start : start + CHUNK])
                    counter.add(store.tensors[key].nbytes)
                _link_shared_tensors(store, file)
                _write_manifest(store, file, tensor_digests, _file_digests(store, digests))
            output.check()
            versions.check()
        except (OSError, RuntimeError) as error:
            output.check()
            raise TargetError(f"{path}: HDF5 could not be written: {error}. An existing file is unchanged.") from error
    remember_written(path)


def _filter_options(compression: str | None) -> Mapping[str, Any]:
    """Return the options of ``create_dataset`` for a compression."""
    if compression is None:
        return {}
    if compression == "gzip":
        return {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    try:
        import hdf5plugin
    except ImportError:
        raise UnsupportedError(f"compression {compression!r} needs hdf5plugin: pip install hdf5plugin.") from None
    filters = {name.lower(): name for name in _PLUGIN_FILTERS}
    if compression.lower() not in filters:
        raise UsageError(f"unknown compression {compression!r}; expected one of gzip, {', '.join(filters)}.")
    return {"compression": getattr(hdf5plugin, filters[compression.lower()])()}


def _write_tensor(store: Store, key: str, group: h5py.Group, name: str, options: Mapping[str, Any]) -> np.ndarray:
    """Write a tensor as a dataset and return its array."""
    tensor = store.tensors[key]
    array = tensor.numpy().view(STORED_DTYPE[tensor.dtype])
    dataset = group.create_dataset(name, data=array, track_times=False, **_chunk_options(array, options))
    dataset.attrs["key"] = escape_key(key)
    dataset.attrs["dtype"] = tensor.dtype
    return array


def _write_manifest(
    store: Store, file: h5py.File, tensor_digests: Mapping[str, str], file_digests: Mapping[str, str]
) -> None:
    import numpy as np

    raw = np.frombuffer("".join(manifest.encode(store, tensor_digests, file_digests)).encode(), "|u1")
    file.create_dataset("manifest", data=raw, track_times=False, fletcher32=True, chunks=(len(raw),))


def _chunk_options(array: np.ndarray, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for chunks along the first axes with a checksum each; scalars and empty arrays have none."""
    if array.ndim == 0 or array.size == 0:
        return {}
    chunk, remaining = [], max(1, _CHUNK // array.itemsize)
    for extent in reversed(array.shape):
        chunk.append(max(1, min(extent, remaining)))
        remaining //= max(1, extent)
    return {"chunks": tuple(reversed(chunk)), "fletcher32": True, **options}


def _places(store: Store, file: h5py.File) -> Iterator[tuple[str, h5py.Group, str]]:
    """Create the groups; yield the key of every tensor, once, with its group and its name there."""
    layers, others = file.create_group("layers"), file.create_group("tensors")
    placed = set()
    for layer in store.layers.values():
        group = layers.create_group(escape_name(layer.name))
        for name, value in layer_attributes(layer).items():
            group.attrs[name] = value
        for role, key in layer.tensors.items():
            if key not in placed:
                placed.add(key)
                yield key, group, escape_name(role)
    for key in store.tensors:
        if key not in placed:
            yield key, others, escape_name(key)


def _link_shared_tensors(store: Store, file: h5py.File) -> None:
    """Give every further layer of a shared tensor a hard link to its dataset."""
    first_places: dict[str, str] = {}
    for layer in store.layers.values():
        for role, key in layer.tensors.items():
            place = f"/layers/{escape_name(layer.name)}/{escape_name(role)}"
            if key in first_places:
                file[place] = file[first_places[key]]
            else:
                first_places[key] = place


def _file_digests(store: Store, digests: bool) -> dict[str, str]:
    """Return SHA-256 by name of the source files; without ``digests`` only those that are known."""
    files = () if store.source is None else store.source.files
    result = {file.name: file.sha256 for file in files if file.sha256 is not None}
    if digests:
        missing = (file for file in files if file.name not in result)
        result.update((file.name, sha256(source_file_chunks(store, file))) for file in missing)
    return result
