"""The sharded container: several safetensors files and an index, named and readable as by the Hugging Face libraries.

``model.safetensors.index.json`` maps every tensor to its file, ``model-00001-of-00003.safetensors`` and so on. Its
``metadata`` hold the manifest, ``total_size``, the digest of every shard's header and that of the index itself.
``docs/format.md`` specifies them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import Any, Iterator, Mapping, Sequence

from neutral import manifest
from neutral.errors import SourceError, StoreError
from neutral.gc_pause import gc_paused
from neutral.limits import parse_size
from neutral.store import header_digest, safetensors
from neutral.store.atomic import atomic_file
from neutral.store.copying import copy_tensors
from neutral.store.digests import Digests
from neutral.store.header import encode_header, ordered
from neutral.store.own_files import WEIGHTS_METADATA
from neutral.store.progress import ByteCounter, Progress
from neutral.store.remote import is_url, put
from neutral.store.shard_index import (
    HEADERS,
    INDEX_SUFFIX,
    SET,
    encode_index,
    encode_with_digest,
    index_name,
    read_index,
    recognises,
    shard_names,
)
from neutral.store.shard_set import ShardSet, set_identifier
from neutral.store.source_files import is_file_name, source_file_chunks
from neutral.store.store import Store
from neutral.tensor import Tensor

__all__ = ["INDEX_SUFFIX", "index_name", "parse_size", "read", "recognises", "write", "write_tensors"]


@gc_paused()
def read(path: str) -> Store:
    """Open a sharded store lazily.

    Args:
        path: The index: a file, or a URL of one.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        SourceError: If a file cannot be read.
        StoreError: If the index or a shard is not sound.

    Example:
        >>> import os, tempfile
        >>> from neutral.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     *_, index = write(Store({}, {}, notes=("hi",)), os.path.join(folder, "a.safetensors"), max_shard_size=1)
        ...     with read(index) as store:
        ...         store.notes
        ('hi',)
    """
    while True:
        index = read_index(path)
        try:
            return _read_set(path, index)
        except (SourceError, StoreError):
            if is_url(path) or read_index(path) == index:
                raise  # else another set has replaced this one meanwhile: read that


def _read_set(path: str, index: Mapping[str, Any]) -> Store:
    """Open the set of shards that an index names."""
    metadata, weight_map = index["metadata"], index["weight_map"]
    text, headers = metadata.get(manifest.KEY), metadata.get(HEADERS)
    if not isinstance(text, str) or not isinstance(headers, dict):
        raise StoreError(
            f"{path}: an index without Neutral's manifest, so the layers are unknown. Export the original checkpoint."
        )
    tensors: dict[str, Tensor] = {}
    for name, digest in headers.items():
        for key, tensor in _read_shard(path, name, digest, metadata.get(SET)).items():
            if key in tensors or weight_map.get(key) != name:
                raise StoreError(f"{path}: tensor {key!r} is in {name!r}, but weight_map names another shard.")
            tensors[key] = tensor
    if len(tensors) != len(weight_map):
        missing = next(key for key in weight_map if key not in tensors)
        raise StoreError(f"{path}: tensor {missing!r} is in none of the shards.")
    return Store(tensors=ordered(tensors), path=path, **manifest.decode(text, path))


def write(
    store: Store, path: str, *, max_shard_size: int, digests: bool = True, progress: Progress | None = None
) -> list[str]:
    """Write a store as shards and their index.

    No file appears before all files are complete and on the disk; the index appears last.

    Args:
        store: The store.
        path: The index, or the name that a single file would have; a file or a URL.
        max_shard_size: Bytes of data in a shard; a larger tensor has a shard of its own.
        digests: Compute the digests that the store does not know yet.
        progress: A callback that gets the bytes done and the bytes in all.

    Returns:
        The paths of the files, the index last.

    Raises:
        UsageError: If the path has another suffix than ``.safetensors``.
        TargetError: If a file cannot be written.

    Example:
        >>> import numpy, os, tempfile
        >>> from neutral.graph import Layer
        >>> from neutral.store import Store
        >>> from neutral.tensor import from_numpy
        >>> layers = {name: Layer(name, "parameter", {}, {"value": name + ".value"}) for name in "ab"}
        >>> tensors = {name + ".value": from_numpy(numpy.zeros(3, "float32")) for name in "ab"}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = write(Store(layers, tensors), os.path.join(folder, "net.safetensors"), max_shard_size=12)
        >>> len(paths), os.path.basename(paths[-1])
        (3, 'net.safetensors.index.json')
    """
    if is_url(path):
        return _write_remote(store, path, max_shard_size, digests, progress)
    parts = list(_parts(store.tensors, max_shard_size))
    counter, versions = ByteCounter(store.nbytes, progress), store.source_versions()
    known = {key: digest for key, digest in store.digests.items() if key in store.tensors}
    files = () if store.source is None else store.source.files
    known_files = {file.name: file.sha256 for file in files if file.sha256 is not None}
    placeholder = header_digest.random_placeholder()
    headers = [encode_header(part, {"format": "pt", SET: placeholder}) for part in parts]
    with ShardSet(path, len(parts)) as shard_set, Digests(known) as tensor_digests, Digests(
        known_files
    ) as file_digests:
        for file in files:
            if digests and file.name not in known_files:
                file_digests.add(file.name, source_file_chunks(store, file))
        outputs = []
        for header, part in zip(headers, parts):
            outputs.append(shard_set.open_shard())
            outputs[-1].seek(len(header))
            copy_tensors(part, outputs[-1], counter, tensor_digests)
        tensor_digests.finish()
        file_digests.finish()
        versions.check()
        identifier = set_identifier({key: tensor_digests[key] for key in store.tensors})
        for output, header in zip(outputs, headers):
            header_digest.fill_placeholders(header, placeholder, [identifier])
            output.seek(0)
            output.write(header)
        metadata = {
            "total_size": store.nbytes,
            manifest.KEY: "".join(manifest.encode(store, tensor_digests if digests else known, file_digests)),
            SET: identifier,
            header_digest.KEY: header_digest.PLACEHOLDER,
        }
        header_digests = [hashlib.sha256(header).hexdigest() for header in headers]

        def encode(names: Sequence[str]) -> bytes:
            by_name = dict(zip(map(os.path.basename, names), header_digests))
            document = {"metadata": {**metadata, HEADERS: by_name}, "weight_map": _weight_map(names, parts)}
            return encode_with_digest(document)

        return [*shard_set.switch(identifier, encode), shard_set.index]


def write_tensors(tensors: Mapping[str, Tensor], path: str, *, max_shard_size: int) -> list[str]:
    """Write tensors without a manifest as shards and their index; see :func:`write`.

    Args:
        tensors: The tensors by key.
        path: The index, or the name that a single file would have.
        max_shard_size: Bytes of data in a shard; a larger tensor has a shard of its own.

    Returns:
        The paths of the files, the index last.

    Example:
        >>> import numpy, os, tempfile
        >>> from neutral.tensor import from_numpy
        >>> tensors = {key: from_numpy(numpy.zeros(3, "float32")) for key in "ab"}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = write_tensors(tensors, os.path.join(folder, "net.safetensors"), max_shard_size=12)
        >>> [os.path.basename(path) for path in paths][:2]
        ['net-00001-of-00002.safetensors', 'net-00002-of-00002.safetensors']
    """
    parts = list(_parts(tensors, max_shard_size))
    names = shard_names(path, len(parts))
    for name, part in zip(names, parts):
        safetensors.write_tensors(part, name, WEIGHTS_METADATA)
    total = sum(tensor.nbytes for tensor in tensors.values())
    with atomic_file(index_name(path)) as index:
        index.write(encode_index({"metadata": {"total_size": total}, "weight_map": _weight_map(names, parts)}))
    return [*names, index_name(path)]


def _read_shard(path: str, name: str, digest: str, identifier: str | None) -> Mapping[str, Tensor]:
    """Return the tensors of a shard of the index in ``path``, whose header must have this digest and set."""
    if not is_file_name(name):
        raise StoreError(f"{path}: it names the shard {name!r}; a shard must be in the folder of its index.")
    shard = os.path.join(os.path.dirname(path), name)  # of a URL too
    if not is_url(path) and not os.path.isfile(shard):
        raise StoreError(f"{path}: its shard {name!r} is missing. Copy all of its files.")
    header = safetensors.read_any_header(shard)
    if header.metadata.get(SET) != identifier:
        raise StoreError(
            f"{shard}: a shard of another set than its index {os.path.basename(path)}. Copy all files of one set again."
        )
    if hashlib.sha256(header.raw).hexdigest() != digest:
        raise StoreError(f"{shard}: its header is not the one that the index was written with. Copy all files again.")
    return header.tensors


def _write_remote(store: Store, url: str, max_shard_size: int, digests: bool, progress: Progress | None) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="neutral-") as folder:
        local = os.path.join(folder, os.path.basename(url))
        paths = write(store, local, max_shard_size=max_shard_size, digests=digests, progress=progress)
        urls = [os.path.join(os.path.dirname(url), os.path.basename(path)) for path in paths]
        for path, target in zip(paths, urls):
            put(path, target)
    return urls


def _weight_map(names: Sequence[str], parts: Sequence[Mapping[str, Tensor]]) -> dict[str, str]:
    return {key: os.path.basename(name) for name, part in zip(names, parts) for key in part}


def _parts(tensors: Mapping[str, Tensor], limit: int) -> Iterator[dict[str, Tensor]]:
    """Split tensors, in the order of a single file, where the next one would pass the limit."""
    part: dict[str, Tensor] = {}
    size = 0
    for key, tensor in ordered(tensors).items():
        if part and size + tensor.nbytes > limit:
            yield part
            part, size = {}, 0
        part[key] = tensor
        size += tensor.nbytes
    yield part
