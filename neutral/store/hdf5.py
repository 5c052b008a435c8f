"""The HDF5 container: the same content as the safetensors one, laid out for people who browse.

    /                     attributes: format, version
    /manifest             the manifest, UTF-8 JSON, as bytes
    /layers/<layer>       a group; attributes: kind, typed_by, and the layer's own
    /layers/<layer>/<role>  a dataset; attributes: key (the tensor's key), dtype (its code)
    /tensors/<key>        tensors that no layer names (what is kept of the source)

A tensor that several layers share is one dataset with several hard links. Names are escaped as in a URL, since HDF5
gives ``/`` and ``.`` a meaning. Data are checksummed (fletcher32) and, if asked for, compressed. bfloat16, which HDF5
has no type for, is stored as uint16 under the code ``BF16``, and bool as uint8.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Iterator, Mapping
from urllib.parse import quote, unquote

from neutral import manifest
from neutral.dtypes import ITEM_SIZE, NUMPY_DTYPE
from neutral.errors import StoreError, TargetError, UnsupportedError, UsageError
from neutral.store.atomic import atomic_file
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import source_file_chunks
from neutral.store.store import Store
from neutral.tensor import CHUNK, Tensor
from neutral.text import printable

if TYPE_CHECKING:
    import h5py
    import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
VERSION = 1
_CHUNK_BYTES = 1 << 20
_STORED_DTYPE = {**NUMPY_DTYPE, "BOOL": "|u1"}
_MOST_COMPRESSED = 1 << 16
"""What a chunk can at most grow by: a MiB of equal bytes still takes some to say so."""


def recognises(head: bytes) -> bool:
    return head.startswith(SIGNATURE)


def write(
    store: Store,
    path: str,
    *,
    digests: bool = True,
    progress: Progress | None = None,
    compression: str | None = None,
) -> None:
    """Write ``store`` to ``path``, whole or not at all. ``compression`` is ``gzip`` or a filter of hdf5plugin."""
    h5py = _h5py()
    options = _filters(compression)
    counter = ByteCounter(store.nbytes, progress)
    made = dict(store.digests)
    with atomic_file(path) as target:
        try:
            with h5py.File(target, "w", libver=("v110", "v110")) as file:
                file.attrs["format"], file.attrs["version"] = manifest.KEY, VERSION
                for key, group, name in _places(store, file):
                    tensor = store.tensors[key]
                    array = _storable(tensor)
                    if digests and key not in made:
                        made[key] = hashlib.sha256(array.reshape(-1).view("|u1").data).hexdigest()
                    dataset = group.create_dataset(name, data=array, track_times=False, **_layout(array, options))
                    dataset.attrs["key"] = key.replace("%", "%25").replace("\0", "%00")  # HDF5 texts end at a zero
                    dataset.attrs["dtype"] = tensor.dtype
                    counter.add(tensor.nbytes)
                _link_shared(store, file)
                known = made if digests else store.digests
                text = "".join(manifest.encode(store, known, _file_digests(store, digests)))
                import numpy as np

                raw = np.frombuffer(text.encode(), "|u1")
                file.create_dataset("manifest", data=raw, track_times=False, fletcher32=True, chunks=(len(raw),))
        except (OSError, RuntimeError) as error:
            raise TargetError(f"{path}: HDF5 could not be written: {error}") from error


def read(path: str) -> Store:
    """The store in ``path``, lazily. Raises :class:`StoreError` where it is not sound, before any data are read."""
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            tensors = {key: _tensor(path, name, dataset) for key, name, dataset in _datasets(path, file)}
            raw = bytes(_checked(path, "/manifest", file.get("manifest"))[()])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: this HDF5 file is damaged or no neutral store ({error}).") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: its manifest is not UTF-8 ({error}).") from None
    return Store(tensors=tensors, path=path, **manifest.decode(text, path))


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise UnsupportedError("HDF5 stores need h5py: pip install 'neutral-weights[hdf5]'.") from None
    return h5py


def _filters(compression: str | None) -> Mapping[str, Any]:
    if compression is None:
        return {}
    if compression == "gzip":
        return {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    try:
        import hdf5plugin
    except ImportError:
        raise UnsupportedError(f"compression {compression!r} needs hdf5plugin: pip install hdf5plugin.") from None
    known = {name.lower(): name for name in ("Blosc", "Blosc2", "BZip2", "LZ4", "Zstd", "Zfp", "Bitshuffle")}
    if compression.lower() not in known:
        raise UsageError(f"compression {compression!r} is none of gzip, {', '.join(known)}.")
    return {"compression": getattr(hdf5plugin, known[compression.lower()])()}


def _layout(array: np.ndarray, options: Mapping[str, Any]) -> dict[str, Any]:
    """Chunks of about a MiB along the first axes, with a checksum each; HDF5 has none for scalars and empty arrays."""
    if array.ndim == 0 or array.size == 0:
        return {}
    chunk, room = [], max(1, _CHUNK_BYTES // array.itemsize)
    for extent in reversed(array.shape):
        chunk.append(max(1, min(extent, room)))
        room //= max(1, extent)
    return {"chunks": tuple(reversed(chunk)), "fletcher32": True, **options}


def _storable(tensor: Tensor) -> np.ndarray:
    return tensor.numpy().view(_STORED_DTYPE[tensor.dtype])


def _places(store: Store, file: h5py.File) -> Iterator[tuple[str, h5py.Group, str]]:
    """Every tensor once: its key, the group it goes into and its name there."""
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
    """A name that is one step of an HDF5 path."""
    escaped = quote(name, safe=" ") or "%00"
    return escaped.replace(".", "%2E") if set(escaped) <= {"."} else escaped


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, (int, float)) and _is_plain(item) for item in value)
    return isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1 << 63)


def _link_shared(store: Store, file: h5py.File) -> None:
    """Give every further layer that names a tensor a hard link to its dataset."""
    first: dict[str, str] = {}
    for layer in store.layers.values():
        for role, key in layer.tensors.items():
            place = f"/layers/{_escaped(layer.name)}/{_escaped(role)}"
            if key in first:
                file[place] = file[first[key]]
            else:
                first[key] = place


def _file_digests(store: Store, digests: bool) -> dict[str, str]:
    files = () if store.source is None else store.source.files
    known = {file.name: file.sha256 for file in files if file.sha256 is not None}
    if not digests:
        return known
    for file in files:
        if file.name not in known:
            digest = hashlib.sha256()
            for chunk in source_file_chunks(store, file):
                digest.update(chunk)
            known[file.name] = digest.hexdigest()
    return known


def _datasets(path: str, file: h5py.File) -> Iterator[tuple[str, str, h5py.Dataset]]:
    """(key, place, dataset) for every tensor. Only hard links of the expected depth are followed."""
    seen = set()
    groups = [("/layers/" + name, group) for name, group in _members(path, "/layers", file)]
    groups.append(("/tensors", file.get("tensors")))
    for place, group in groups:
        for name, dataset in _members(path, place, group):
            checked = _checked(path, f"{place}/{name}", dataset)
            key = unquote(str(checked.attrs["key"]))
            if key not in seen:
                seen.add(key)
                yield key, f"{place}/{name}", checked


def _members(path: str, place: str, group: Any) -> Iterator[tuple[str, Any]]:
    import h5py

    if isinstance(group, h5py.File):
        group = group.get(place)
    if not isinstance(group, h5py.Group):
        raise StoreError(f"{path}: {place} is not a group.")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise StoreError(
                f"{path}: {place}/{unquote(name)} is a {type(link).__name__}; links out of a store are refused."
            )
        yield name, group[name]


def _checked(path: str, place: str, dataset: Any) -> h5py.Dataset:
    """The dataset if its data are plain numbers in this very file, and no more than the file can hold."""
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise StoreError(f"{path}: {place} is not a dataset.")
    if dataset.is_virtual or dataset.external:
        raise StoreError(f"{path}: {place} takes its data from another file, which a store never does.")
    if dataset.dtype.kind not in "iufb" or dataset.dtype.byteorder == ">":
        raise StoreError(f"{path}: {place} has type {dataset.dtype}; a store holds little-endian numbers only.")
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    compressed = [number for number in filters if number not in (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)]
    for number in compressed:
        if not h5py.h5z.filter_avail(number):
            raise StoreError(
                f"{path}: {place} has HDF5 filter {number}, which is unknown here; hdf5plugin may have it."
            )
    stored, size = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
    if size > stored * (_MOST_COMPRESSED if compressed else 1):
        raise StoreError(f"{path}: {place} claims {size} bytes and stores {stored}.")
    return dataset


def _tensor(path: str, place: str, dataset: h5py.Dataset) -> Tensor:
    code = str(dataset.attrs["dtype"])
    if code not in ITEM_SIZE or dataset.dtype.str != _STORED_DTYPE[code]:
        raise StoreError(f"{path}: {place} is called {code} and stored as {dataset.dtype}.")
    return Tensor(code, tuple(map(int, dataset.shape)), lambda: _chunks(path, place))


def _chunks(path: str, place: str) -> Iterator[memoryview]:
    """The dataset's bytes, some rows at a time."""
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
            step = max(1, CHUNK // row)
            for start in range(0, dataset.shape[0], step):
                yield np.ascontiguousarray(dataset[start : start + step]).reshape(-1).view(np.uint8).data
    except OSError as error:
        raise StoreError(f"{path}: {place} cannot be read: {error}") from None
