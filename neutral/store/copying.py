"""Tensor contents into a file: by the kernel where bytes only move, through memory where they are small or made."""

from __future__ import annotations

import hashlib
import os
from types import TracebackType
from typing import BinaryIO, Callable, Iterable, Mapping, Sequence

from neutral.errors import SourceError
from neutral.store.digests import Hashing
from neutral.tensor import FileRange, Tensor

_SMALL = 1 << 16
"""Up to this size a tensor passes through the write buffer: the system calls would cost more than its bytes."""

_STEP = 1 << 26
"""Bytes that one system call is asked to move: below its limit of 2 GiB, and often enough for a progress bar."""

_OPEN_FILES = 64


class Sources:
    """Descriptors of the files that are read, opened once."""

    def __init__(self) -> None:
        self._descriptors: dict[str, int] = {}

    def __getitem__(self, path: str) -> int:
        descriptor = self._descriptors.get(path)
        if descriptor is None:
            if len(self._descriptors) == _OPEN_FILES:
                self.close()
            try:
                descriptor = self._descriptors[path] = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
        return descriptor

    def read(self, part: FileRange) -> bytes:
        """The whole of a small range."""
        try:
            data = os.pread(self[part.path], part.nbytes, part.offset)
        except OSError as error:
            raise SourceError(f"{part.path}: cannot be read: {error.strerror}.") from None
        return data if len(data) == part.nbytes else b"".join(part.chunks())

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def copy_tensors(
    tensors: Mapping[str, Tensor],
    keys: Sequence[str],
    file: BinaryIO,
    done: Callable[[int], None],
    hashing: Hashing | None = None,
) -> None:
    """Append the contents of ``keys`` to ``file``; ``done`` is told of the bytes of every step.

    What passes through memory is hashed on the way; what the kernel moves is read again by ``hashing``'s thread.
    """
    with Sources() as sources:
        for key in keys:
            tensor = tensors[key]
            wanted = hashing if hashing is not None and hashing.wants(key) else None
            if isinstance(tensor.content, tuple) and tensor.nbytes > _SMALL:
                if wanted:
                    wanted.add(key, tensor.chunks())
                written = sum(_copy_range(sources, part, file, done) for part in tensor.content)
            else:
                written, digest = _pass_through(_chunks(sources, tensor), file, done, bool(wanted))
                if wanted:
                    wanted.put(key, digest)
            if written != tensor.nbytes:
                raise SourceError(
                    f"tensor {key!r}: {tensor.dtype} of shape {list(tensor.shape)} takes {tensor.nbytes} bytes and its "
                    f"content has {written}."
                )


def _chunks(sources: Sources, tensor: Tensor) -> Iterable[bytes | memoryview]:
    if isinstance(tensor.content, tuple):
        return map(sources.read, tensor.content)
    return tensor.content()


def _pass_through(
    chunks: Iterable[bytes | memoryview], file: BinaryIO, done: Callable[[int], None], hashed: bool
) -> tuple[int, str]:
    digest = hashlib.sha256()
    written = 0
    for chunk in chunks:
        file.write(chunk)
        if hashed:
            digest.update(chunk)
        written += len(chunk)
        done(len(chunk))
    return written, digest.hexdigest()


def _copy_range(sources: Sources, part: FileRange, file: BinaryIO, done: Callable[[int], None]) -> int:
    """Copy in the kernel; what it cannot or will not copy goes through memory, where errors tell which side failed."""
    file.flush()
    position, end = part.offset, part.offset + part.nbytes
    copy_file_range = getattr(os, "copy_file_range", None)
    while copy_file_range and position < end:
        try:
            count = copy_file_range(sources[part.path], file.fileno(), min(_STEP, end - position), offset_src=position)
        except OSError:
            break
        if count == 0:
            break
        position += count
        done(count)
    for chunk in FileRange(part.path, position, end - position).chunks():
        file.write(chunk)
        done(len(chunk))
    return part.nbytes
