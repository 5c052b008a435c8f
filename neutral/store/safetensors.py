"""The safetensors container: a valid safetensors file whose metadata holds the manifest.

``docs/format.md`` specifies it. Neither NumPy nor the safetensors package is needed.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import BinaryIO, Callable, Iterable, Mapping

from neutral import manifest
from neutral.errors import PlainTensorsError, StoreError
from neutral.gc_pause import gc_paused
from neutral.store import header_digest
from neutral.store.atomic import atomic_file
from neutral.store.copying import copy_tensors
from neutral.store.digests import Digests
from neutral.store.header import LIMIT, Header, encode_header, ordered
from neutral.store.header_parser import header_length, parse_header, read_header
from neutral.store.progress import ByteCounter, Observer, Progress
from neutral.store.source_files import source_file_chunks
from neutral.store.store import Store
from neutral.tensor import Tensor


def recognises(head: bytes) -> bool:
    """Return whether a file looks like safetensors by its first bytes, nine at least.

    Args:
        head: The first bytes of the file.

    Returns:
        True for a header length within the limit, followed by a brace.

    Example:
        >>> recognises((2).to_bytes(8, "little") + b"{}"), recognises(b"weights in text")
        (True, False)
    """
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= LIMIT


@gc_paused()
def read(path: str) -> Store:
    """Open a store lazily.

    Args:
        path: The file.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If its header or manifest is not sound.

    Example:
        >>> import os, tempfile
        >>> from neutral.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write(Store({}, {}, notes=("an example",)), path)
        ...     with read(path) as store:
        ...         store.notes
        ('an example',)
    """
    return _store(read_header(path), path)


@gc_paused()
def read_remote(url: str) -> Store:
    """Open the store behind a URL: its header is fetched now, each tensor when it is read.

    Args:
        url: A URL, such as ``s3://bucket/model.safetensors``.

    Returns:
        The store; the data of each tensor is read when it is asked for.

    Raises:
        SourceError: If the URL cannot be read.
        StoreError: If the header or manifest is not sound.
    """
    return _store(_remote_header(url), url)


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Open the tensors of any safetensors file, with or without a manifest.

    Args:
        path: A file, or a URL of one.

    Returns:
        The tensors by key, in the order of their data; none is read.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If the file violates the format.

    Example:
        >>> import numpy, os, tempfile
        >>> from neutral.tensor import from_numpy
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write_tensors({"a": from_numpy(numpy.ones((2, 3), "float16"))}, path)
        ...     read_tensors(path)["a"].shape
        (2, 3)
    """
    return dict(read_any_header(path).tensors)


def read_any_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a safetensors file or of one behind a URL; see :func:`read_tensors`.

    Args:
        path: A file, or a URL of one.

    Returns:
        The tensors, the metadata, and the bytes of the header.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If the file violates the format.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write_tensors({}, path, {"format": "pt"})
        ...     read_any_header(path).metadata
        {'format': 'pt'}
    """
    from neutral.store.remote import is_url

    return _remote_header(os.fspath(path)) if is_url(os.fspath(path)) else read_header(path)


@gc_paused()
def write(
    store: Store,
    path: str,
    *,
    digests: bool = True,
    progress: Progress | None = None,
    observe: Observer | None = None,
) -> None:
    """Write a store atomically; see :meth:`neutral.store.Store.save`.

    Args:
        store: The store.
        path: The file to write.
        digests: Compute the digests that the store does not know yet, from the bytes that are copied.
        progress: A callback that gets the bytes done and the bytes in all.
        observe: A callback that gets the key of each tensor and its bytes, in chunks, as they are written.

    Raises:
        TargetError: If the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> from neutral.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write(Store({}, {}), path, digests=False)
        ...     os.listdir(folder)
        ['a.safetensors']
    """
    tensors, versions = ordered(store.tensors), store.source_versions()
    files = () if store.source is None else store.source.files
    known_tensors = {key: digest for key, digest in store.digests.items() if key in tensors}
    known_files = {file.name: file.sha256 for file in files if file.sha256 is not None}

    def copy(file: BinaryIO, tensor_digests: Digests | None = None) -> None:
        counter = ByteCounter(sum(tensor.nbytes for tensor in tensors.values()), progress)
        copy_tensors(tensors, file, counter, tensor_digests, observe)

    if not digests:
        header = _encode(tensors, manifest.encode(store, known_tensors, known_files))

        def header_without_digests() -> bytearray:
            versions.check()
            return header_digest.write_header_digest(header)

        _write(path, len(header), copy, header_without_digests)
        return

    # The header comes first in the file, and its length has to be final before the digests are known.
    placeholder = header_digest.random_placeholder()
    tensor_placeholders = {**dict.fromkeys(tensors, placeholder), **known_tensors}
    file_placeholders = {file.name: known_files.get(file.name, placeholder) for file in files}
    header = _encode(tensors, manifest.encode(store, tensor_placeholders, file_placeholders))
    with Digests(known_tensors) as tensor_digests, Digests(known_files) as file_digests:
        for file in files:
            if file.name not in known_files:
                file_digests.add(file.name, source_file_chunks(store, file))

        def final_header() -> bytearray:
            tensor_digests.finish()
            file_digests.finish()
            versions.check()
            new = [tensor_digests[key] for key in sorted(tensors) if key not in known_tensors]
            new += [file_digests[file.name] for file in files if file.name not in known_files]
            header_digest.fill_placeholders(header, placeholder, new)
            return header_digest.write_header_digest(header)

        def copy_and_sync(file: BinaryIO) -> None:
            copy(file, tensor_digests)
            file.flush()
            os.fsync(file.fileno())  # the disk works while the last digests are computed

        _write(path, len(header), copy_and_sync, final_header)


def write_tensors(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a plain safetensors file, with the bytes that the official writer gives.

    Args:
        tensors: The tensors by key.
        path: The file to write.
        metadata: Texts by key, written in the order of the keys.
        progress: A callback that gets the bytes done and the bytes in all.

    Raises:
        TargetError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.safetensors")
        ...     write_tensors({"mask": Tensor("U8", (3,), lambda: (b"abc",))}, path, {"format": "pt"})
        ...     read_tensors(path)["mask"].shape
        (3,)
    """
    with atomic_file(path) as file:
        write_tensors_to(file, tensors, metadata, progress)


def write_tensors_to(
    file: BinaryIO,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a plain safetensors file into an open file; see :func:`write_tensors`.

    Args:
        file: A file open for writing, at its beginning; it stays open.
        tensors: The tensors by key.
        metadata: The texts of ``__metadata__``; None writes none.
        progress: A callback that gets the bytes done and the bytes in all.

    Example:
        >>> import numpy, tempfile
        >>> from neutral.tensor import from_numpy
        >>> with tempfile.TemporaryFile() as file:
        ...     write_tensors_to(file, {"a": from_numpy(numpy.ones(2, "uint8"))})
        ...     _ = file.seek(8)
        ...     list(file.read()[-2:])
        [1, 1]
    """
    tensors = ordered(tensors)
    file.write(encode_header(tensors, metadata))
    copy_tensors(tensors, file, ByteCounter(sum(tensor.nbytes for tensor in tensors.values()), progress))


def _store(header: Header, path: str) -> Store:
    if manifest.KEY not in header.metadata:
        if "golden" in header.metadata:
            raise PlainTensorsError(f"{path}: a golden file, the values that a model computed; expected a store.")
        raise PlainTensorsError(
            f"{path}: a safetensors file without Neutral's manifest, so its layers are unknown. "
            "Export the original checkpoint, or read the tensors alone with neutral.store.safetensors.read_tensors."
        )
    if not header_digest.is_header_digest_valid(header.raw):
        raise StoreError(
            f"{path}: the header does not have the digest that it states. The file was damaged or changed: "
            "copy it again."
        )
    tensors, metadata = header.tensors, dict(header.metadata)
    del header  # its text and the manifest's may take megabytes, and are not needed beside the decoded manifest
    return Store(tensors=tensors, path=path, **manifest.decode(metadata.pop(manifest.KEY), path))


def _remote_header(url: str) -> Header:
    from neutral.store.remote import FIRST_REQUEST, RemoteFile

    file = RemoteFile(url)
    raw = file.read(0, FIRST_REQUEST)
    if not recognises(raw):
        raise StoreError(
            f"{url}: not a safetensors file (its first bytes are {raw[:16].hex() or 'none'}). "
            "Download stores of other containers first."
        )
    end = 8 + header_length(raw[:8], file.size, url)
    raw = raw[:end] if end <= len(raw) else raw + file.read(len(raw), end)
    header = parse_header(raw, file.size, url)
    return replace(header, tensors={key: file.lazy(tensor) for key, tensor in header.tensors.items()})


def _encode(tensors: Mapping[str, Tensor], manifest_text: Iterable[str]) -> bytearray:
    """Encode the header with a placeholder for its digest."""
    metadata = {"format": "pt", manifest.KEY: manifest_text, header_digest.KEY: header_digest.PLACEHOLDER}
    return encode_header(tensors, metadata)


def _write(
    path: str | os.PathLike[str], header_size: int, copy: Callable[[BinaryIO], None], header: Callable[[], bytearray]
) -> None:
    """Write the tensors by ``copy``, and then before them the header."""
    with atomic_file(path) as file:
        file.seek(header_size)
        copy(file)
        file.seek(0)
        file.write(header())
