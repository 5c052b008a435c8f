"""Copy the content of tensors into a file, in chunks.

A chunk is read and written by two system calls. The kernel's own copy between files (``copy_file_range``) was a quarter
slower: the data of a store begins where its header ends, so the pages of the two files are not aligned to each other.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Dict, Iterable, Mapping

from neutral.errors import SourceError
from neutral.portable import open_to_read, read_at
from neutral.store.digests import Digests
from neutral.store.progress import ByteCounter, Observer
from neutral.tensor import CHUNK, FileRange, Tensor, nbytes_of

_SMALL = 1 << 16
"""Bytes up to which a tensor is read by one call and hashed at once; a thread would cost more than hashing."""

_OPEN_FILES = 64

_EARLY_SYNC = 32 << 20
"""Bytes that are worth a flush on the thread."""


class SourceDescriptors(Dict[str, int]):
    """Descriptors of the files that are read, by path; each file is opened at its first use.

    A context manager, which closes them.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file, SourceDescriptors() as sources:
        ...     _ = file.write(b"abcdef")
        ...     file.flush()
        ...     sources.read(FileRange(file.name, 2, 3))
        b'cde'
    """

    def __missing__(self, path: str) -> int:
        if len(self) == _OPEN_FILES:
            self.close()
        try:
            descriptor = self[path] = open_to_read(path)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
        return descriptor

    def read(self, part: FileRange) -> bytes:
        """Read a small range of a file at once.

        Args:
            part: The file, the offset and the length, in bytes.

        Returns:
            All bytes of the range.

        Raises:
            SourceError: If the file cannot be read or is too short.
        """
        path, offset, nbytes = part
        try:
            data = read_at(self[path], nbytes, offset)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
        return data if len(data) == nbytes else b"".join(part.chunks())

    def chunks(self, tensor: Tensor) -> Iterable[bytes | memoryview]:
        """Read a tensor, a small one without opening its file again.

        Args:
            tensor: The tensor.

        Returns:
            Its bytes in order, in chunks of any size.
        """
        content = tensor.content
        return map(self.read, content) if isinstance(content, tuple) and tensor.nbytes <= _SMALL else tensor.chunks()

    def close(self) -> None:
        """Close all files."""
        while self:
            os.close(self.popitem()[1])

    def __enter__(self) -> SourceDescriptors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EarlySync:
    """Flush a file to the disk on a thread while more is written; else the flush at the end would take as long again.

    A context manager, which waits for the last flush.

    Args:
        file: The file that is written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pool: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._unsynced = 0

    def written(self, count: int) -> None:
        """Count further bytes and start a flush if enough have come together; raises errors of the last flush.

        Args:
            count: Bytes that have been written since the last call.

        Raises:
            OSError: If the last flush failed.
        """
        self._unsynced += count
        if self._unsynced < _EARLY_SYNC or (self._running is not None and not self._running.done()):
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
    observe: Observer | None = None,
) -> None:
    """Append the content of tensors to a file.

    Small and computed tensors are hashed as they are copied; large file ranges are read again by the thread of
    ``digests``.

    Args:
        tensors: The tensors by key, in the order in which they are written.
        file: The file to write to.
        counter: Counts the bytes, :data:`neutral.tensor.CHUNK` or more at a time.
        digests: Gets the SHA-256 of each tensor that it does not have yet; None: no digests.
        observe: Gets the bytes of each tensor as they are copied; None: nobody does.

    Raises:
        SourceError: If a source file cannot be read, or the content of a tensor has the wrong size.

    Example:
        >>> import io, numpy
        >>> from neutral.tensor import from_numpy
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     copy_tensors({"a": from_numpy(numpy.arange(3, dtype="uint8"))}, file, ByteCounter(3, None))
        ...     _ = file.seek(0)
        ...     list(file.read())
        [0, 1, 2]
    """
    with SourceDescriptors() as sources, EarlySync(file) as early:
        uncounted = 0
        for key, tensor in tensors.items():
            dtype, shape, content = tensor
            size = nbytes_of(dtype, shape)
            needs_digest = digests is not None and key not in digests
            chunks = sources.chunks(tensor)
            if digests is not None and needs_digest and size > _SMALL and isinstance(content, tuple):
                digests.add(key, tensor.chunks())
                needs_digest = False
            digest = hashlib.sha256() if needs_digest else None
            written = 0
            for chunk in chunks:
                file.write(chunk)
                written += len(chunk)
                uncounted += len(chunk)
                if uncounted >= CHUNK:
                    early.written(uncounted)
                    counter.add(uncounted)
                    uncounted = 0
                if digest is not None:
                    digest.update(chunk)
                if observe is not None:
                    observe(key, chunk)
            if digests is not None and digest is not None:
                digests[key] = digest.hexdigest()
            if written != size:
                raise SourceError(
                    f"tensor {key!r}: {dtype} of shape {list(shape)} takes {size} bytes and its content has {written}."
                )
        counter.add(uncounted)
