"""A store in several safetensors files and an index, as the Hugging Face libraries name and read them.

``model.safetensors.index.json`` maps every tensor to its file, ``model-00001-of-00003.safetensors`` and so on. The
manifest is in the index, under ``metadata``, beside ``total_size``.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack
from typing import Iterator, Mapping

from neutral import manifest
from neutral.collector import paused
from neutral.errors import SourceError, StoreError, UsageError
from neutral.store.atomic import atomic_file
from neutral.store.copying import copy_tensors
from neutral.store.digests import Hashing
from neutral.store.header import encode_header, ordered, read_header
from neutral.store.sources import is_plain_name, origin_chunks
from neutral.store.store import Progress, Store
from neutral.tensor import Tensor

INDEX_SUFFIX = ".safetensors.index.json"
_INDEX_LIMIT = 1 << 28
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE)


def recognises(head: bytes) -> bool:
    return head.lstrip(b" \t\r\n").startswith(b"{")


def parse_size(text: str) -> int:
    """A size in bytes: ``5GB`` is decimal, ``5GiB`` binary. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size; write for example 500MB or 5GiB.")
    number, unit, binary = match.groups()
    power = " KMGT".index(unit.upper() or " ")
    return int(float(number) * (1024 if binary else 1000) ** power)


@paused()
def read(path: str) -> Store:
    """The store whose index is ``path``, lazily. Raises :class:`StoreError` where a shard or the index is not sound."""
    index = _read_index(path)
    folder = os.path.dirname(path)
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(index["weight_map"].values())):
        if not is_plain_name(name):
            raise StoreError(f"{path}: it names the shard {name!r}; a shard lies in the same folder.")
        shard = os.path.join(folder, name)
        if not os.path.isfile(shard):
            raise StoreError(f"{path}: its shard {name!r} is not there.")
        tensors.update(read_header(shard).tensors)
    if set(tensors) != set(index["weight_map"]):
        strange = sorted(set(tensors) ^ set(index["weight_map"]))[0]
        raise StoreError(f"{path}: its map and its shards differ, for one in tensor {strange!r}.")
    text = index["metadata"].get(manifest.KEY)
    if not isinstance(text, str):
        raise StoreError(f"{path}: an index without Neutral's manifest, so the layers are unknown.")
    return Store(tensors=ordered(tensors), path=path, **manifest.decode(text, path))


def write(
    store: Store, path: str, *, max_shard_size: int, digests: bool = True, progress: Progress | None = None
) -> list[str]:
    """Write ``store`` as shards of at most ``max_shard_size`` bytes of data (one tensor at least), and their index.

    ``path`` is the index, or the name that a single file would have. Either all files appear or none. Gives the
    names of the files, the index last.
    """
    prefix = _prefix(path)
    parts = list(_parts(store.tensors, max_shard_size))
    names = [f"{prefix}-{number:05d}-of-{len(parts):05d}.safetensors" for number in range(1, len(parts) + 1)]
    total, position = sum(tensor.nbytes for tensor in store.tensors.values()), 0
    known = dict(store.digests)
    files = () if store.source is None else store.source.files
    known_files = {file.name: file.sha256 for file in files if file.sha256 is not None}

    def done(count: int) -> None:
        nonlocal position
        position += count
        if progress is not None:
            progress(position, total)

    with ExitStack() as stack, Hashing(known) as hashing, Hashing(known_files) as file_hashing:
        index = stack.enter_context(atomic_file(prefix + INDEX_SUFFIX))  # entered first, so it appears last
        for file in files:
            if digests and file_hashing.wants(file.name):
                file_hashing.add(file.name, origin_chunks(store, file))
        for name, part in zip(names, parts):
            target = stack.enter_context(atomic_file(name))
            target.write(encode_header(part, {"format": "pt"}))
            copy_tensors(part, target, done, hashing if digests else None)
        made = hashing.results() if digests else known
        text = manifest.encode(store, made, file_hashing.results() if digests else known_files)
        weight_map = {key: os.path.basename(name) for name, part in zip(names, parts) for key in part}
        document = {"metadata": {"total_size": total, manifest.KEY: text}, "weight_map": weight_map}
        index.write((json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())
    return [*names, prefix + INDEX_SUFFIX]


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


def _read_index(path: str) -> dict[str, dict[str, str]]:
    try:
        if os.path.getsize(path) > _INDEX_LIMIT:
            raise StoreError(f"{path}: an index of more than {_INDEX_LIMIT} bytes is refused.")
        with open(path, "rb") as file:
            index = json.loads(file.read().decode())
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: this is no index of shards: {error}.") from None
    if not isinstance(index, dict) or not all(isinstance(index.get(k), dict) for k in ("metadata", "weight_map")):
        raise StoreError(f"{path}: this JSON is no index of shards: it has no 'metadata' and 'weight_map'.")
    if not all(isinstance(name, str) for name in index["weight_map"].values()):
        raise StoreError(f"{path}: its 'weight_map' names something that is no file.")
    return index
