"""The HDF5 container: the content of the safetensors one, laid out for people who browse.

    /                       attributes: format, version
    /manifest               the manifest, UTF-8 JSON, as bytes
    /layers/<layer>         a group; attributes: kind, typed_by, and the layer's own
    /layers/<layer>/<role>  a dataset; attributes: key (the tensor's key), dtype (its code)
    /tensors/<key>          tensors of no layer: kept arrays of the source

A tensor that several layers share is one dataset with several hard links. Names are escaped as in a URL, since ``/``
and ``.`` have a meaning in HDF5. Data have checksums (fletcher32) and can be compressed. HDF5 has no bfloat16: it is
stored as uint16 under the code ``BF16``, and bool as uint8.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Iterator, Mapping
from urllib.parse import quote

from neutral import manifest
from neutral.errors import TargetError, UnsupportedError, UsageError
from neutral.store.atomic import atomic_file
from neutral.store.digests import sha256
from neutral.store.hdf5_reader import STORED_DTYPE, import_h5py, read
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import source_file_chunks
from neutral.store.store import Store
from neutral.text import printable

if TYPE_CHECKING:
    import h5py
    import numpy as np

__all__ = ["SIGNATURE", "VERSION", "read", "recognises", "write"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of every HDF5 file."""

VERSION = 1
"""The version of the layout."""

_CHUNK = 1 << 20
"""Bytes of a chunk of a dataset, about."""

_PLUGIN_FILTERS = ("Blosc", "Blosc2", "BZip2", "LZ4", "Zstd", "Zfp", "Bitshuffle")


def recognises(head: bytes) -> bool:
    """Return whether a file is HDF5 by its first bytes."""
    return head.startswith(SIGNATURE)


def write(
    store: Store,
    path: str,
    *,
    digests: bool = True,
    progress: Progress | None = None,
    compression: str | None = None,
) -> None:
    """Write a store atomically; see :meth:`neutral.store.Store.save`.

    Args:
        store: The store.
        path: The file to write.
        digests: Compute the digests that the store does not know yet.
        progress: A callback that gets the bytes done and the bytes in all.
        compression: ``gzip``, or a filter of hdf5plugin such as ``zstd``; None: none.

    Raises:
        UsageError: If the compression is unknown.
        UnsupportedError: If h5py or hdf5plugin is missing.
        TargetError: If the file cannot be written.
    """
    h5py = import_h5py()
    options = _filter_options(compression)
    counter = ByteCounter(store.nbytes, progress)
    tensor_digests = dict(store.digests)
    with atomic_file(path) as target:
        try:
            with h5py.File(target, "w", libver=("v110", "v110")) as file:
                file.attrs["format"], file.attrs["version"] = manifest.KEY, VERSION
                for key, group, name in _places(store, file):
                    array = _write_tensor(store, key, group, name, options)
                    if digests and key not in tensor_digests:
                        tensor_digests[key] = hashlib.sha256(array.reshape(-1).view("|u1").data).hexdigest()
                    counter.add(store.tensors[key].nbytes)
                _link_shared_tensors(store, file)
                _write_manifest(store, file, tensor_digests, _file_digests(store, digests))
        except (OSError, RuntimeError) as error:
            raise TargetError(f"{path}: HDF5 could not be written: {error}") from error


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
    dataset.attrs["key"] = key.replace("%", "%25").replace("\0", "%00")  # HDF5 texts end at a zero character
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
        group = layers.create_group(_escaped(layer.name))
        group.attrs["kind"], group.attrs["typed_by"] = layer.kind, layer.typed_by
        for name, value in layer.attributes.items():
            group.attrs[name] = "none" if value is None else value if _is_plain(value) else printable(str(value))
        for role, key in layer.tensors.items():
            if key not in placed:
                placed.add(key)
                yield key, group, _escaped(role)
    for key in store.tensors:
        if key not in placed:
            yield key, others, _escaped(key)


def _escaped(name: str) -> str:
    """Return a name as one step of an HDF5 path."""
    escaped = quote(name, safe=" ") or "%00"
    return escaped.replace(".", "%2E") if set(escaped) <= {"."} else escaped


def _is_plain(value: Any) -> bool:
    """Return whether HDF5 can store an attribute's value as numbers."""
    if isinstance(value, tuple):
        return all(isinstance(item, (int, float)) and _is_plain(item) for item in value)
    return isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1 << 63)


def _link_shared_tensors(store: Store, file: h5py.File) -> None:
    """Give every further layer of a shared tensor a hard link to its dataset."""
    first_places: dict[str, str] = {}
    for layer in store.layers.values():
        for role, key in layer.tensors.items():
            place = f"/layers/{_escaped(layer.name)}/{_escaped(role)}"
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
