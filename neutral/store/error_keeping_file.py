"""A file for libraries that crash, or leave their state broken, when writing fails."""

from __future__ import annotations

import os
from typing import BinaryIO


class ErrorKeepingFile:
    """A file that never fails: it keeps the first error, and drops all bytes that are written after it.

    HDF5 flushes a file again when it is closed and when the process ends, after the file object may be gone; torch
    turns errors of a file into errors of its own. Both see a file that works, and :meth:`check` raises the error
    afterwards.

    Args:
        file: The file, open for reading and writing.

    Example:
        >>> import io
        >>> file = ErrorKeepingFile(io.BytesIO())
        >>> file.write(b"abc"), file.tell(), file.check()
        (3, 3, None)
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None
        self._position = 0
        self._end = 0

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of ``data`` and return its length in bytes.

        Args:
            data: The bytes; dropped after an error.

        Returns:
            The length of ``data``, after an error too.
        """
        count = memoryview(data).nbytes
        if self._error is None:
            try:
                self._file.seek(self._position)
                self._file.write(data)
            except BaseException as error:
                self._error = error
        self._position += count
        self._end = max(self._end, self._position)
        return count

    def read(self, count: int = -1) -> bytes:
        """Read bytes; zeros after an error.

        Args:
            count: The number of bytes; negative: up to the end.

        Returns:
            The bytes; fewer at the end of the file.
        """
        count = max(0, self._end - self._position) if count < 0 else count
        data = b""
        if self._error is None:
            try:
                self._file.seek(self._position)
                data = self._file.read(count)
            except BaseException as error:
                self._error = error
        if self._error is not None:
            data = bytes(count)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Read into a buffer; see :meth:`read`.

        Args:
            buffer: A writable buffer.

        Returns:
            The number of bytes that were read.
        """
        data = self.read(memoryview(buffer).nbytes)
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, without the file.

        Args:
            offset: The distance in bytes.
            whence: ``os.SEEK_SET``, ``os.SEEK_CUR`` or ``os.SEEK_END``.

        Returns:
            The new position from the beginning.
        """
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position.

        Returns:
            Bytes from the beginning.
        """
        return self._position

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file.

        Args:
            size: The size in bytes; None: the position.

        Returns:
            The new size, after an error too.
        """
        self._end = self._position if size is None else size
        if self._error is None:
            try:
                self._file.truncate(self._end)
            except BaseException as error:
                self._error = error
        return self._end

    def flush(self) -> None:
        """Flush the file's buffer."""
        if self._error is None:
            try:
                self._file.flush()
            except BaseException as error:
                self._error = error
