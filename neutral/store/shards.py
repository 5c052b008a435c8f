"""A store in several safetensors files and an index, as the Hugging Face libraries name and read them.

``model.safetensors.index.json`` maps every tensor to its file, ``model-00001-of-00003.safetensors`` and so on. The
manifest is in the index, under ``metadata``, beside ``total_size``, the digest of every shard's header and that of the
index itself. ``docs/format.md`` specifies it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import ExitStack
from typing import Any, Iterator, Mapping, Sequence

from neutral import manifest
from neutral.errors import SourceError, StoreError, UsageError
from neutral.gc_pause import gc_paused
from neutral.store import header_digest, safetensors
from neutral.store.atomic import atomic_file
from neutral.store.copying import copy_tensors
from neutral.store.digests import Digests
from neutral.store.header import encode_header, ordered
from neutral.store.progress import ByteCounter, Progress
from neutral.store.remote import RemoteFile, is_url, put
from neutral.store.safetensors import read_any_header
from neutral.store.source_files import is_file_name, source_file_chunks
from neutral.store.store import Store
from neutral.strict_json import parse_object
from neutral.tensor import Tensor

INDEX_SUFFIX = ".safetensors.index.json"
_INDEX_LIMIT = 1 << 28
_HEADERS = "neutral.headers"
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(?:([KMGT])(I?))?B?", re.IGNORECASE)
_HEAD = re.compile(rb'\s*\{\s*"(metadata|weight_map)"')


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes is meant to be an index: other JSON begins with other keys."""
    return _HEAD.match(head) is not None


def parse_size(text: str) -> int:
    """A size in bytes: ``5GB`` is decimal, ``5GiB`` binary. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size; write for example 500MB or 5GiB.")
    number, unit, binary = match.groups()
    size = int(float(number) * (1024 if binary else 1000) ** " KMGT".index((unit or " ").upper()))
    if size == 0:
        raise UsageError(f"{text!r} is no size for a shard: it must be a byte at least.")
    return size


@gc_paused()
def read(path: str) -> Store:
    """The store whose index is ``path`` (or a URL), lazily. Raises StoreError where it or a shard is not sound."""
    index = _read_index(path)
    metadata, weight_map = index["metadata"], index["weight_map"]
    text, headers = metadata.get(manifest.KEY), metadata.get(_HEADERS)
    if not isinstance(text, str) or not isinstance(headers, dict):
        raise StoreError(
            f"{path}: an index without Neutral's manifest, so the layers are unknown. Export the original checkpoint."
        )
    tensors: dict[str, Tensor] = {}
    for name, digest in headers.items():
        if not is_file_name(name):
            raise StoreError(f"{path}: it names the shard {name!r}; a shard lies in the same folder.")
        shard = os.path.join(os.path.dirname(path), name)  # of a URL too
        if not is_url(path) and not os.path.isfile(shard):
            raise StoreError(f"{path}: its shard {name!r} is not there. Copy all of its files.")
        header = read_any_header(shard)
        if hashlib.sha256(header.raw).hexdigest() != digest:
            raise StoreError(
                f"{shard}: its header is not the one that the index was written with. Copy all files again."
            )
        for key, tensor in header.tensors.items():
            if key in tensors or weight_map.get(key) != name:
                raise StoreError(f"{path}: tensor {key!r} is in {name!r}, and the map puts it elsewhere.")
            tensors[key] = tensor
    if len(tensors) != len(weight_map):
        missing = next(key for key in weight_map if key not in tensors)
        raise StoreError(f"{path}: tensor {missing!r} is in none of the shards.")
    return Store(tensors=ordered(tensors), path=path, **manifest.decode(text, path))


def write(
    store: Store, path: str, *, max_shard_size: int, digests: bool = True, progress: Progress | None = None
) -> list[str]:
    """Write ``store`` as shards of at most ``max_shard_size`` bytes of data (one tensor at least), and their index.

    ``path`` is the index, or the name that a single file would have. Nothing appears before all files are whole and on
    the disk, and the index appears last. Gives the names of the files, the index last.
    """
    if is_url(path):
        with tempfile.TemporaryDirectory(prefix="neutral-") as folder:
            local = os.path.join(folder, os.path.basename(path))
            written = write(store, local, max_shard_size=max_shard_size, digests=digests, progress=progress)
            urls = [os.path.join(os.path.dirname(path), os.path.basename(name)) for name in written]
            for name, url in zip(written, urls):
                put(name, url)
        return urls
    parts = list(_parts(store.tensors, max_shard_size))
    names = _names(path, len(parts))
    counter = ByteCounter(store.nbytes, progress)
    known = {key: digest for key, digest in store.digests.items() if key in store.tensors}
    files = () if store.source is None else store.source.files
    known_files = {file.name: file.sha256 for file in files if file.sha256 is not None}

    headers: dict[str, str] = {}

    with ExitStack() as stack, Digests(known) as tensor_digests, Digests(known_files) as file_digests:
        index = stack.enter_context(atomic_file(index_name(path)))  # entered first, so it appears last
        for file in files:
            if digests and file.name not in known_files:
                file_digests.add(file.name, source_file_chunks(store, file))
        for name, part in zip(names, parts):
            target = stack.enter_context(atomic_file(name))
            header = encode_header(part, {"format": "pt"})
            headers[os.path.basename(name)] = hashlib.sha256(header).hexdigest()
            target.write(header)
            copy_tensors(part, target, counter, tensor_digests if digests else None)
        tensor_digests.finish()
        file_digests.finish()
        text = "".join(manifest.encode(store, tensor_digests, file_digests))
        metadata = {
            "total_size": store.nbytes,
            manifest.KEY: text,
            _HEADERS: headers,
            header_digest.KEY: header_digest.PLACEHOLDER,
        }
        index.write(_sealed({"metadata": metadata, "weight_map": _weight_map(names, parts)}))
    return [*names, index_name(path)]


def write_tensors(tensors: Mapping[str, Tensor], path: str, *, max_shard_size: int) -> list[str]:
    """Write tensors alone as shards and their index, as :func:`write` does a store; gives the files' names."""
    parts = list(_parts(tensors, max_shard_size))
    names = _names(path, len(parts))
    for name, part in zip(names, parts):
        safetensors.write_tensors(part, name, {"format": "pt"})
    total = sum(tensor.nbytes for tensor in tensors.values())
    with atomic_file(index_name(path)) as index:
        index.write(_document({"metadata": {"total_size": total}, "weight_map": _weight_map(names, parts)}))
    return [*names, index_name(path)]


def _names(path: str, count: int) -> list[str]:
    return [f"{_prefix(path)}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]


def _weight_map(names: Sequence[str], parts: Sequence[Mapping[str, Tensor]]) -> dict[str, str]:
    return {key: os.path.basename(name) for name, part in zip(names, parts) for key in part}


def index_name(path: str) -> str:
    """The index of a store that would be called ``path`` in one file. Raises UsageError where it could not be."""
    return _prefix(path) + INDEX_SUFFIX


def _prefix(path: str) -> str:
    for suffix in (INDEX_SUFFIX, ".safetensors"):
        if path.endswith(suffix):
            return path[: -len(suffix)]
    raise UsageError(f"{path}: shards are named after a .safetensors file.")


def _parts(tensors: Mapping[str, Tensor], limit: int) -> Iterator[dict[str, Tensor]]:
    """Tensors in the order of a single file, cut where the next would pass the limit."""
    part: dict[str, Tensor] = {}
    size = 0
    for key, tensor in ordered(tensors).items():
        if part and size + tensor.nbytes > limit:
            yield part
            part, size = {}, 0
        part[key] = tensor
        size += tensor.nbytes
    yield part


def _document(index: Mapping[str, Any]) -> bytes:
    return (json.dumps(index, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _sealed(document: Mapping[str, Any]) -> bytes:
    """The index with its own SHA-256, made while zeros stand in the digest's place."""
    return bytes(header_digest.write_header_digest(bytearray(_document(document)), header_digest.INDENTED_PREFIX))


def _read_index(path: str) -> dict[str, Any]:
    try:
        remote = RemoteFile(path) if is_url(path) else None
        if (os.path.getsize(path) if remote is None else remote.size) > _INDEX_LIMIT:
            raise StoreError(f"{path}: an index of more than {_INDEX_LIMIT} bytes is refused.")
        if remote is not None:
            raw = remote.read(0, remote.size)
        else:
            with open(path, "rb") as file:
                raw = file.read()
        index = parse_object(raw)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{path}: this is no index of shards ({str(error) or type(error).__name__}).") from None
    if not all(isinstance(index.get(key), dict) for key in ("metadata", "weight_map")):
        raise StoreError(f"{path}: this JSON is no index of shards: it has no 'metadata' and 'weight_map'.")
    is_valid = header_digest.is_header_digest_valid(raw, header_digest.INDENTED_PREFIX)
    if manifest.KEY in index["metadata"] and not is_valid:
        raise StoreError(f"{path}: the index does not have the digest that it states. It was changed: copy it again.")
    return index
