"""Calls that some systems lack: reading at an offset, and locks of open files."""

from __future__ import annotations

import errno
import os
import time
from threading import Lock
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt as _msvcrt
except ImportError:  # any other system
    _msvcrt = None  # type: ignore[assignment]

_WAIT_SECONDS = 0.05
_seeking = Lock()
_windows: Any = _msvcrt  # its functions are declared on Windows alone


def open_to_read(path: str) -> int:
    """Return a descriptor of a file whose bytes are read as they are.

    Args:
        path: The file.

    Returns:
        The descriptor, without translation of line ends on Windows.

    Raises:
        OSError: If the file cannot be opened.
    """
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def read_at(descriptor: int, nbytes: int, offset: int) -> bytes:
    """Read bytes of a file at an offset, from any number of threads.

    Args:
        descriptor: The open file.
        nbytes: The most bytes to read.
        offset: The position in bytes of the first one.

    Returns:
        The bytes; fewer than ``nbytes`` at the end of the file.
    """
    if hasattr(os, "pread"):
        return os.pread(descriptor, nbytes, offset)
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, nbytes)


def lock_file(descriptor: int, wait: bool = True) -> None:
    """Take the exclusive lock of an open file, which the system releases when its process ends.

    Args:
        descriptor: The file, open for writing.
        wait: Wait for another process that holds the lock.

    Raises:
        BlockingIOError: If another process holds the lock, without ``wait``.
        OSError: If the file's system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    if _windows is None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    while True:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            _windows.locking(descriptor, _windows.LK_NBLCK, 1)
            return
        except OSError as error:
            if not wait:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        time.sleep(_WAIT_SECONDS)
