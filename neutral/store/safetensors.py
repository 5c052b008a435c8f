"""The safetensors container: a valid safetensors file whose metadata holds the manifest.

``docs/format.md`` specifies it. Nothing here needs NumPy or the safetensors package.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Callable, Iterable, Mapping

from neutral import manifest
from neutral.errors import PlainTensorsError, StoreError
from neutral.gc_pause import gc_paused
from neutral.store import header_digest
from neutral.store.atomic import atomic_file
from neutral.store.copying import copy_tensors
from neutral.store.digests import Digests
from neutral.store.header import LIMIT, Header, encode_header, header_length, ordered, parse_header, read_header
from neutral.store.progress import ByteCounter, Progress
from neutral.store.source_files import source_file_chunks
from neutral.store.store import Store
from neutral.tensor import Tensor


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes (nine at least) is meant to be a safetensors file."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= LIMIT


@gc_paused()
def read(path: str) -> Store:
    """The store in ``path``, lazily. Raises :class:`StoreError` where its header is not sound."""
    return _store(read_header(path), path)


@gc_paused()
def read_remote(url: str) -> Store:
    """The store behind a URL, by ranges: its header now, each tensor when it is asked for."""
    return _store(_remote_header(url), url)


def _remote_header(url: str) -> Header:
    from neutral.store.remote import FIRST, RemoteFile

    file = RemoteFile(url)
    raw = file.read(0, FIRST)
    if not recognises(raw):
        raise StoreError(
            f"{url}: this is no safetensors file (its first bytes are {raw[:16].hex() or 'none'}). "
            "Stores of other containers have to be copied here first."
        )
    end = 8 + header_length(raw[:8], file.size, url)
    raw = raw[:end] if end <= len(raw) else raw + file.read(len(raw), end)
    header = parse_header(raw, file.size, url)
    lazy = {key: file.lazy(tensor) for key, tensor in header.tensors.items()}
    return replace(header, tensors=lazy)


def _store(header: Header, path: str) -> Store:
    if manifest.KEY not in header.metadata:
        raise PlainTensorsError(
            f"{path}: a safetensors file without Neutral's manifest, so its layers are unknown. "
            "Export the original checkpoint, or read the tensors alone with neutral.store.safetensors.read_tensors."
        )
    if not header_digest.is_header_digest_valid(header.raw):
        raise StoreError(
            f"{path}: the header does not have the digest that it states. The file was damaged or changed: "
            "copy it again."
        )
    return Store(tensors=header.tensors, path=path, **manifest.decode(header.metadata[manifest.KEY], path))


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of any safetensors file, or URL of one, with or without a manifest, in the order of their data; none
    is read."""
    return dict(read_any_header(path).tensors)


def read_any_header(path: str | os.PathLike[str]) -> Header:
    """The header of a safetensors file or of what is behind a URL."""
    from neutral.store.remote import is_url

    return _remote_header(os.fspath(path)) if is_url(os.fspath(path)) else read_header(path)


@gc_paused()
def write(store: Store, path: str, *, digests: bool = True, progress: Progress | None = None) -> None:
    """Write ``store`` to ``path``, whole or not at all; see :meth:`neutral.store.Store.save`.

    Digests that the store knows already are taken over, the others are made from the bytes that are copied. Without
    ``digests`` none are made.
    """
    tensors = ordered(store.tensors)
    files = () if store.source is None else store.source.files
    known_tensors = {key: digest for key, digest in store.digests.items() if key in tensors}
    known_files = {file.name: file.sha256 for file in files if file.sha256 is not None}
    if not digests:
        header = _encode(tensors, manifest.encode(store, known_tensors, known_files))
        _write(tensors, len(header), path, progress, lambda: header_digest.write_header_digest(header))
        return

    # The header goes first, so its length has to be known before the digests are: marks hold their places.
    mark = header_digest.random_placeholder()
    tensor_marks = {**dict.fromkeys(tensors, mark), **known_tensors}
    file_marks = {file.name: known_files.get(file.name, mark) for file in files}
    header = _encode(tensors, manifest.encode(store, tensor_marks, file_marks))
    with Digests(known_tensors) as tensor_digests, Digests(known_files) as file_digests:
        for file in files:
            if file.name not in known_files:
                file_digests.add(file.name, source_file_chunks(store, file))

        def final_header() -> bytearray:
            tensor_digests.finish()
            file_digests.finish()
            made = [tensor_digests[key] for key in sorted(tensors) if key not in known_tensors]
            made += [file_digests[file.name] for file in files if file.name not in known_files]
            header_digest.fill_placeholders(header, mark, made)
            return header_digest.write_header_digest(header)

        _write(tensors, len(header), path, progress, final_header, tensor_digests)


def write_tensors(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a plain safetensors file, with the bytes the official writer gives (metadata keys are sorted)."""
    tensors = ordered(tensors)
    header = encode_header(tensors, metadata)
    _write(tensors, len(header), path, progress, lambda: header)


def _write(
    tensors: Mapping[str, Tensor],
    length: int,
    path: str | os.PathLike[str],
    progress: Progress | None,
    header: Callable[[], bytearray],
    digests: Digests | None = None,
) -> None:
    """The tensors after ``length`` bytes, which ``header`` gives once all tensors have been copied and hashed."""
    with atomic_file(path) as file:
        file.seek(length)
        counter = ByteCounter(sum(tensor.nbytes for tensor in tensors.values()), progress)
        copy_tensors(tensors, file, counter, digests)
        if digests is not None:
            file.flush()
            os.fsync(file.fileno())  # the disk is at work while the digests are made
        file.seek(0)
        file.write(header())


def _encode(tensors: Mapping[str, Tensor], text: Iterable[str]) -> bytearray:
    """The header with the manifest ``text``, with a placeholder for its digest."""
    return encode_header(tensors, {"format": "pt", manifest.KEY: text, header_digest.KEY: header_digest.PLACEHOLDER})
