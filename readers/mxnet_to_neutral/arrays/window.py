"""Reading a file of any size through a small buffer, with every length checked before it is used.

The file is read with ``pread`` and never mapped: a file that shrinks meanwhile gives an error, not a signal.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from contextlib import contextmanager
from typing import Any, Iterator

from mxnet_to_neutral.arrays.limits import DAMAGED, TRUNCATED
from neutral.errors import FormatError, SourceError
from neutral.tensor import ITEM_SIZE, FileRange, Tensor

BUFFER = 1 << 16
LARGEST = (1 << 63) - 1


class Window:
    """A position in an open file, and the end that reads must not pass. ``subject`` is for messages."""

    def __init__(self, path: str, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self.position = 0
        self.end = size
        self.subject = ""
        self._descriptor = descriptor
        self._base = 0
        self._buffer = b""
        self._have = 0

    @property
    def remaining(self) -> int:
        return self.end - self.position

    def enter(self, start: int, end: int, subject: str) -> None:
        """Moves to a part of the file."""
        self.position, self.end, self.subject = start, end, subject

    def error(self, problem: str, advice: str = "", offset: int | None = None) -> FormatError:
        """An error at ``offset``, by default the position."""
        subject = f"{self.subject}: " if self.subject else ""
        return FormatError(self.path, self.position if offset is None else offset, f"{subject}{problem}", advice)

    def unpack(self, layout: struct.Struct, field: str) -> tuple[Any, ...]:
        """The next values; ``field`` says what they are if too few bytes are left."""
        size, start = layout.size, self.position - self._base
        if start < 0 or start + size > self._have or size > self.end - self.position:
            start = self._locate(size, field)
        self.position += size
        return layout.unpack_from(self._buffer, start)

    def read(self, count: int, field: str) -> bytes:
        """The next ``count`` bytes. The caller bounds ``count``."""
        start = self._locate(count, field)
        self.position += count
        return self._buffer[start : start + count]

    def stored(self, dtype: str, shape: tuple[int, ...]) -> Tensor:
        """The next elements, stepped over unread; an array that the rest of the file cannot hold is an error."""
        nbytes = math.prod(shape) * ITEM_SIZE[dtype]
        if nbytes <= 0 or (shape and min(shape) < 0):
            self.check_extent(dtype, shape)
        if nbytes > self.end - self.position:
            raise self.error(
                f"{dtype} elements of shape {shape} take {nbytes} bytes, {self.remaining} are left.", TRUNCATED
            )
        content = FileRange(self.path, self.position, nbytes)
        self.position += nbytes
        return Tensor(dtype, shape, (content,))

    def check_extent(self, dtype: str, shape: tuple[int, ...]) -> None:
        """Refuses negative dimensions, and dimensions no machine can address even where one of them is 0."""
        if min(shape, default=0) < 0:
            raise self.error(f"shape {shape} has a negative dimension.", DAMAGED)
        if math.prod([dim or 1 for dim in shape]) * ITEM_SIZE[dtype] > LARGEST:
            raise self.error(f"shape {shape} is larger than any memory.", DAMAGED)

    def _locate(self, count: int, field: str) -> int:
        """Where in the buffer the next ``count`` bytes are, after reading them if need be."""
        if count > self.remaining:
            raise self.error(f"{count} bytes of {field} are expected, {max(0, self.remaining)} are left.", TRUNCATED)
        start = self.position - self._base
        if 0 <= start <= self._have - count:
            return start
        self._base, self._buffer = self.position, self._pread(count)
        self._have = len(self._buffer)
        return 0

    def _pread(self, count: int) -> bytes:
        parts, have = [], 0
        while have < count:
            try:
                part = os.pread(self._descriptor, max(count - have, BUFFER), self.position + have)
            except OSError as error:
                raise SourceError(f"{self.path}: cannot be read: {error.strerror}.") from error
            if not part:
                raise SourceError(f"{self.path}: became shorter while it was read. Run again.")
            parts.append(part)
            have += len(part)
        return b"".join(parts)


@contextmanager
def open_window(path: str | os.PathLike[str]) -> Iterator[Window]:
    """A window on a regular file; SourceError for what is missing, unreadable or no file."""
    name = os.fsdecode(path)
    try:
        if stat.S_ISDIR(os.stat(name).st_mode):
            raise SourceError(f"{name}: is a directory; a parameter file is expected.")
        if not stat.S_ISREG(os.stat(name).st_mode):  # opening a pipe would wait for ever
            raise SourceError(f"{name}: is not a regular file; a parameter file is expected.")
        file = open(name, "rb", buffering=0)  # noqa: SIM115 - closed below
    except FileNotFoundError as error:
        raise SourceError(f"{name}: does not exist.") from error
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SourceError(f"{name!r}: is no path: {error}.") from error
    with file:
        yield Window(name, file.fileno(), os.fstat(file.fileno()).st_size)
