"""The index of a sharded store: the names of its files, and its JSON text with a digest."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Mapping

from neutral import limits, manifest
from neutral.errors import SourceError, StoreError, UsageError
from neutral.store.header_digest import INDENTED_PREFIX, is_header_digest_valid, write_header_digest
from neutral.store.remote import RemoteFile, is_url
from neutral.strict_json import parse_object

INDEX_SUFFIX = ".safetensors.index.json"
"""The end of the name of an index."""

HEADERS = "neutral.headers"
"""The key of the digests of the shards' headers."""

SET = "neutral.set"
"""The key of the identifier of a set of shards, in the metadata of the index and of every shard."""

_BEGINNING = re.compile(rb'\s*\{\s*"(metadata|weight_map)"')


def recognises(head: bytes) -> bool:
    """Return whether a file looks like an index by its first bytes: other JSON has other first keys.

    Args:
        head: The first bytes of the file, up to 64.

    Returns:
        True if the first key is ``metadata`` or ``weight_map``.

    Example:
        >>> recognises(b'{"metadata": {"total_size": 8}'), recognises(b'{"nodes": []}')
        (True, False)
    """
    return _BEGINNING.match(head) is not None


def index_name(path: str) -> str:
    """Return the name of the index.

    Args:
        path: The index, or the name that the store would have in a single file.

    Returns:
        The path of the index; ``path`` itself if it is one.

    Raises:
        UsageError: If the path has another suffix than ``.safetensors``.

    Example:
        >>> index_name("out/model.safetensors")
        'out/model.safetensors.index.json'
    """
    return _stem(path) + INDEX_SUFFIX


def shard_names(path: str, count: int) -> list[str]:
    """Return the names of the shards; see :func:`index_name`.

    Args:
        path: The index, or the name that the store would have in a single file.
        count: The number of shards.

    Returns:
        The paths in order, beside the index.

    Raises:
        UsageError: If the path has another suffix than ``.safetensors``.

    Example:
        >>> shard_names("model.safetensors", 2)
        ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    """
    return [f"{_stem(path)}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]


def marked_shard_names(path: str, count: int, identifier: str) -> list[str]:
    """Return names of shards that no shard of another set has.

    Args:
        path: The index, or the name that the store would have in a single file.
        count: The number of shards.
        identifier: The set's identifier in hexadecimal, of which 16 digits are used.

    Returns:
        The paths in order, beside the index.

    Raises:
        UsageError: If the path has another suffix than ``.safetensors``.

    Example:
        >>> marked_shard_names("model.safetensors", 1, "0123456789abcdef0123")
        ['model-00001-of-00001-0123456789abcdef.safetensors']
    """
    suffix = ".safetensors"
    return [f"{name[: -len(suffix)]}-{identifier[:16]}{suffix}" for name in shard_names(path, count)]


def encode_index(index: Mapping[str, Any]) -> bytearray:
    """Encode an index as indented JSON; the digest is a placeholder if there is one.

    Args:
        index: The JSON document.

    Returns:
        UTF-8 with sorted keys and a final newline.

    Example:
        >>> bytes(encode_index({"weight_map": {}, "metadata": {}})).split()[:3]
        [b'{', b'"metadata":', b'{},']
    """
    return bytearray((json.dumps(index, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())


def encode_with_digest(index: Mapping[str, Any]) -> bytes:
    """Encode an index whose ``neutral.sha256`` is a placeholder, with its digest instead.

    Args:
        index: The JSON document.

    Returns:
        The bytes of :func:`encode_index`, of the same length.

    Example:
        >>> from neutral.store.header_digest import KEY, PLACEHOLDER
        >>> document = {"metadata": {KEY: PLACEHOLDER}, "weight_map": {}}
        >>> text = encode_with_digest(document)
        >>> len(text) == len(encode_index(document)), PLACEHOLDER.encode() in text
        (True, False)
    """
    return bytes(write_header_digest(encode_index(index), INDENTED_PREFIX))


def read_index(path: str) -> dict[str, Any]:
    """Read an index.

    Args:
        path: A file or a URL.

    Returns:
        The object, with the objects ``metadata`` and ``weight_map``.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If it is not an index, or does not match its digest.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, index_name("net.safetensors"))
        ...     with open(path, "wb") as file:
        ...         _ = file.write(encode_index({"metadata": {}, "weight_map": {"a": "net-1.safetensors"}}))
        ...     read_index(path)["weight_map"]
        {'a': 'net-1.safetensors'}
    """
    try:
        raw = _read(path)
        index = parse_object(raw)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{path}: not an index of shards ({str(error) or type(error).__name__}).") from None
    if not all(isinstance(index.get(key), dict) for key in ("metadata", "weight_map")):
        raise StoreError(f"{path}: not an index of shards: 'metadata' and 'weight_map' must be objects.")
    if manifest.KEY in index["metadata"] and not is_header_digest_valid(raw, INDENTED_PREFIX):
        raise StoreError(f"{path}: the index does not have the digest that it states. It was changed: copy it again.")
    return index


def _read(path: str) -> bytes:
    remote = RemoteFile(path) if is_url(path) else None
    size = os.path.getsize(path) if remote is None else remote.size
    if size > limits.MANIFEST_BYTES.value:
        raise StoreError(f"{path}: an index of {size} bytes. {limits.MANIFEST_BYTES.advice}")
    if remote is not None:
        return remote.read(0, remote.size)
    with open(path, "rb") as file:
        return file.read()


def _stem(path: str) -> str:
    for suffix in (INDEX_SUFFIX, ".safetensors"):
        if path.endswith(suffix):
            return path[: -len(suffix)]
    raise UsageError(f"{path}: shards are named after a .safetensors file; give a name with this suffix.")
