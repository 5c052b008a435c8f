"""Read a file of any size through a small buffer; check every length before it is used.

The file is read with ``pread`` and never mapped: a file that shrinks meanwhile gives an error instead of a signal.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from mxnet_to_neutral.limits import MAX_TENSOR_BYTES
from neutral.dtypes import ITEM_SIZE
from neutral.errors import FormatError, SourceError
from neutral.portable import read_at
from neutral.tensor import FileRange, Tensor, nbytes_of

TRUNCATED = "The file is cut short or damaged: get it again."
DAMAGED = "The file is damaged, or was not written by MXNet: get it again."

BUFFER_SIZE = 1 << 16
"""Bytes that one system call reads at least."""


def no_subject() -> str:
    """Return the empty subject, for messages that name the file alone."""
    return ""


class Window:
    """A position in an open file, and an end that reads must not pass.

    Args:
        path: The name of the file, for messages.
        descriptor: The open file.
        size: Its size in bytes.

    Attributes:
        subject: A function that returns the name of the part being read, for messages.
    """

    def __init__(self, path: str, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self.subject: Callable[[], str] = no_subject
        self._descriptor = descriptor
        self._end = size
        self._base = 0  # offset of the buffer in the file
        self._buffer = b""
        self._at = 0  # position relative to the buffer; may lie behind its end
        self._usable = 0  # bytes of the buffer before the end of the window

    @property
    def position(self) -> int:
        """The byte offset of the next read."""
        return self._base + self._at

    @position.setter
    def position(self, position: int) -> None:
        if position < self._base:
            self._base, self._buffer, self._usable = position, b"", 0
        self._at = position - self._base

    @property
    def remaining(self) -> int:
        """The bytes from the position to the end of the window; negative behind it."""
        return self._end - self._base - self._at

    def enter(self, start: int, end: int, subject: Callable[[], str]) -> None:
        """Restrict reads to the bytes from ``start`` to ``end``, move to ``start`` and name this part in messages.

        Args:
            start: The offset of the part's first byte in the file.
            end: The offset behind its last byte.
            subject: Returns the name of the part; called only for a message.
        """
        self.position, self._end, self.subject = start, end, subject
        self._usable = min(len(self._buffer), end - self._base)

    def error(self, problem: str, advice: str = "", offset: int | None = None) -> FormatError:
        """Return the error for ``problem`` at ``offset`` (default: the position); the caller raises it.

        Args:
            problem: The value found and the value expected, as a sentence.
            advice: The remedy, as a sentence.
            offset: The byte offset in the file.

        Returns:
            An error that names the file, the offset and the part that is being read.
        """
        subject = self.subject()
        message = f"{subject}: {problem}" if subject else problem
        return FormatError(self.path, self.position if offset is None else offset, message, advice)

    def unpack(self, layout: struct.Struct, field: str) -> tuple[Any, ...]:
        """Read the values of ``layout`` at the position and advance it.

        Args:
            layout: The struct.
            field: The name of the values, for the message.

        Returns:
            The values, one for each field of the struct.

        Raises:
            FormatError: Fewer bytes are left in the window.
        """
        end = self._at + layout.size
        if end > self._usable:
            self._fill(layout.size, field)
            end = layout.size
        values = layout.unpack_from(self._buffer, self._at)
        self._at = end
        return values

    def read(self, count: int, field: str) -> bytes:
        """Read ``count`` bytes at the position and advance it; the caller bounds ``count``.

        Args:
            count: The number of bytes, all of which are allocated.
            field: Their name, for the message.

        Returns:
            Exactly ``count`` bytes.

        Raises:
            FormatError: Fewer bytes are left in the window.
        """
        end = self._at + count
        if end > self._usable:
            self._fill(count, field)
            end = count
        values = self._buffer[self._at : end]
        self._at = end
        return values

    def stored(self, dtype: str, shape: tuple[int, ...]) -> Tensor:
        """Return the tensor whose elements begin at the position and advance behind them, without reading them.

        Args:
            dtype: The dtype code of safetensors.
            shape: The shape, as found in the file; negative dimensions are refused.

        Returns:
            A tensor that reads its range of the file on demand.

        Raises:
            FormatError: The rest of the window is shorter than the elements.
        """
        nbytes = nbytes_of(dtype, shape)
        if nbytes <= 0 or (shape and min(shape) < 0):
            self.check_extent(dtype, shape)
        position = self._base + self._at
        if nbytes > self._end - position:
            raise self.error(
                f"{dtype} elements of shape {shape} take {nbytes} bytes, {self.remaining} are left.", TRUNCATED
            )
        self._at += nbytes
        return Tensor(dtype, shape, (FileRange(self.path, position, nbytes),))

    def check_extent(self, dtype: str, shape: tuple[int, ...]) -> None:
        """Refuse negative dimensions, and shapes too large to address with dimensions of 0 counted as 1.

        Args:
            dtype: The dtype code of safetensors.
            shape: The shape, as found in the file.

        Raises:
            FormatError: The shape is invalid.
        """
        if min(shape, default=0) < 0:
            raise self.error(f"shape {shape} has a negative dimension.", DAMAGED)
        if math.prod([dim or 1 for dim in shape]) * ITEM_SIZE[dtype] > MAX_TENSOR_BYTES:
            raise self.error(f"shape {shape} is larger than any file.", DAMAGED)

    def _fill(self, count: int, field: str) -> None:
        """Read at least ``count`` bytes at the position into a new buffer."""
        if count > self.remaining:
            raise self.error(f"{count} bytes of {field} are expected, {max(0, self.remaining)} are left.", TRUNCATED)
        self._base, self._buffer, self._at = self.position, self._pread(count), 0
        self._usable = min(len(self._buffer), self._end - self._base)

    def _pread(self, count: int) -> bytes:
        parts, size = [], 0
        while size < count:
            try:
                part = read_at(self._descriptor, max(count - size, BUFFER_SIZE), self.position + size)
            except OSError as error:
                raise SourceError(f"{self.path}: cannot be read: {error.strerror}.") from error
            if not part:
                raise SourceError(f"{self.path}: became shorter while it was read. Run again.")
            parts.append(part)
            size += len(part)
        return b"".join(parts)


@contextmanager
def open_window(path: str | os.PathLike[str]) -> Iterator[Window]:
    """Open a window on a whole file, for a ``with`` statement.

    Args:
        path: A regular file; opening a named pipe would block.

    Yields:
        A window on all bytes of the file, positioned at its start; it is closed with the statement.

    Raises:
        SourceError: The file is missing, unreadable or not a regular file.
    """
    name = os.fsdecode(path)
    try:
        if stat.S_ISDIR(os.stat(name).st_mode):
            raise SourceError(f"{name}: is a directory; a parameter file is expected.")
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise SourceError(f"{name}: is not a regular file; a parameter file is expected.")
        file = open(name, "rb", buffering=0)  # noqa: SIM115 - closed below
    except FileNotFoundError as error:
        raise SourceError(f"{name}: does not exist.") from error
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SourceError(f"{name!r}: is not a valid path: {error}.") from error
    with file:
        yield Window(name, file.fileno(), os.fstat(file.fileno()).st_size)
