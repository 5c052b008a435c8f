"""Tensor contents into a file, in chunks.

A chunk is read and written by two system calls. The kernel's own copy between files (``copy_file_range``) was a quarter
slower: data in a store begins where the header ends, so the pages of the two files do not lie on each other.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Dict, Iterable, Mapping

from neutral.errors import SourceError
from neutral.store.digests import Digests
from neutral.store.progress import ByteCounter
from neutral.tensor import CHUNK, FileRange, Tensor, nbytes_of

_SMALL = 1 << 16
"""Up to this size a tensor is read by one call and hashed on the spot: a thread would cost more than its bytes."""

_OPEN_FILES = 64


class Sources(Dict[str, int]):
    """Descriptors of the files that are read, by path; each is opened when it is asked for, once."""

    def __missing__(self, path: str) -> int:
        if len(self) == _OPEN_FILES:
            self.close()
        try:
            descriptor = self[path] = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
        return descriptor

    def read(self, part: FileRange) -> bytes:
        """The whole of a small range."""
        path, offset, nbytes = part
        try:
            data = os.pread(self[path], nbytes, offset)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
        return data if len(data) == nbytes else b"".join(part.chunks())

    def close(self) -> None:
        while self:
            os.close(self.popitem()[1])

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EarlySync:
    """Has the disk at work while more is copied: without it the flush at the end takes as long as all the copying.

    ``written`` is told of every stretch of bytes. An error of the disk is raised by it, or when the block ends.
    """

    STEP = 32 << 20
    """Bytes that are worth a flush on the thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pool: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._unsynced = 0

    def written(self, count: int) -> None:
        self._unsynced += count
        if self._unsynced < self.STEP or (self._running is not None and not self._running.done()):
            return
        self._wait()
        self._pool = self._pool or ThreadPoolExecutor(1)
        self._file.flush()
        self._running = self._pool.submit(getattr(os, "fdatasync", os.fsync), self._file.fileno())
        self._unsynced = 0

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()

    def __enter__(self) -> EarlySync:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        if error is None:
            self._wait()


def copy_tensors(
    tensors: Mapping[str, Tensor],
    file: BinaryIO,
    counter: ByteCounter,
    digests: Digests | None = None,
) -> None:
    """Append the contents of ``tensors`` to ``file``; ``counter`` gets the bytes, a :data:`CHUNK` or more at a time.

    Small and computed tensors are hashed on the way; large ranges of files are read again by the thread of ``digests``.
    """
    with Sources() as sources, EarlySync(file) as early:
        fresh = 0
        for key, tensor in tensors.items():
            dtype, shape, content = tensor
            size = nbytes_of(dtype, shape)
            wanted = digests is not None and key not in digests
            chunks: Iterable[bytes | memoryview]
            if not isinstance(content, tuple):
                chunks = content()
            elif size <= _SMALL:
                chunks = map(sources.read, content)
            else:
                chunks = tensor.chunks()
                if digests is not None and wanted:
                    digests.add(key, tensor.chunks())
                    wanted = False
            digest = None
            written = 0
            for chunk in chunks:
                file.write(chunk)
                written += len(chunk)
                fresh += len(chunk)
                if fresh >= CHUNK:
                    early.written(fresh)
                    counter.add(fresh)
                    fresh = 0
                if digest:
                    digest.update(chunk)
                elif wanted:
                    digest = hashlib.sha256(chunk)
            if digests is not None and wanted:
                digests[key] = (digest or hashlib.sha256()).hexdigest()
            if written != size:
                raise SourceError(
                    f"tensor {key!r}: {dtype} of shape {list(shape)} takes {size} bytes and its content has {written}."
                )
        counter.add(fresh)
