"""Reading a file of any size through a small buffer, with every length checked before it is used.

The file is read with ``pread`` and never mapped: a file that shrinks meanwhile gives an error, not a signal.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from mxnet_to_neutral.arrays.limits import DAMAGED, TRUNCATED
from neutral.dtypes import ITEM_SIZE
from neutral.errors import FormatError, SourceError
from neutral.tensor import FileRange, Tensor, nbytes_of

BUFFER = 1 << 16
LARGEST = (1 << 63) - 1


def nothing() -> str:
    """The subject of a message where the file alone is enough."""
    return ""


class Window:
    """A position in an open file, and the end that reads must not pass.

    ``subject`` gives what is being read, for messages.
    """

    def __init__(self, path: str, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self.subject: Callable[[], str] = nothing
        self._descriptor = descriptor
        self._end = size
        self._base = 0  # where the buffer begins
        self._buffer = b""
        self._at = 0  # the position in the buffer, or behind it
        self._have = 0  # what of the buffer may be used

    @property
    def position(self) -> int:
        return self._base + self._at

    @position.setter
    def position(self, position: int) -> None:
        if position < self._base:
            self._base, self._buffer, self._have = position, b"", 0
        self._at = position - self._base

    @property
    def remaining(self) -> int:
        return self._end - self._base - self._at

    def enter(self, start: int, end: int, subject: Callable[[], str]) -> None:
        """Moves to a part of the file."""
        self.position, self._end, self.subject = start, end, subject
        self._have = min(len(self._buffer), end - self._base)

    def error(self, problem: str, advice: str = "", offset: int | None = None) -> FormatError:
        """An error at ``offset``, by default the position."""
        what = self.subject()
        subject = f"{what}: " if what else ""
        return FormatError(self.path, self.position if offset is None else offset, f"{subject}{problem}", advice)

    def unpack(self, layout: struct.Struct, field: str) -> tuple[Any, ...]:
        """The next values; ``field`` says what they are if too few bytes are left."""
        end = self._at + layout.size
        if end > self._have:
            self._fill(layout.size, field)
            end = layout.size
        values = layout.unpack_from(self._buffer, self._at)
        self._at = end
        return values

    def read(self, count: int, field: str) -> bytes:
        """The next ``count`` bytes. The caller bounds ``count``."""
        end = self._at + count
        if end > self._have:
            self._fill(count, field)
            end = count
        values = self._buffer[self._at : end]
        self._at = end
        return values

    def stored(self, dtype: str, shape: tuple[int, ...]) -> Tensor:
        """The next elements, stepped over unread; an array that the rest of the file cannot hold is an error."""
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
        """Refuses negative dimensions, and dimensions no machine can address even where one of them is 0."""
        if min(shape, default=0) < 0:
            raise self.error(f"shape {shape} has a negative dimension.", DAMAGED)
        if math.prod([dim or 1 for dim in shape]) * ITEM_SIZE[dtype] > LARGEST:
            raise self.error(f"shape {shape} is larger than any memory.", DAMAGED)

    def _fill(self, count: int, field: str) -> None:
        """Reads the next ``count`` bytes, and more, into a buffer that begins with them."""
        if count > self.remaining:
            raise self.error(f"{count} bytes of {field} are expected, {max(0, self.remaining)} are left.", TRUNCATED)
        self._base, self._buffer, self._at = self.position, self._pread(count), 0
        self._have = min(len(self._buffer), self._end - self._base)

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
