"""Advisory locks of files and folders, which the system releases when their process ends."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import Iterable, Iterator

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed there, and folders have no locks
    fcntl = None  # type: ignore[assignment]


def lock_file(descriptor: int) -> None:
    """Lock an open file, if its file system has locks.

    Args:
        descriptor: The file's descriptor, whose closing ends the lock.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder and return True, or False if another process holds the lock.

    Args:
        descriptor: The descriptor, whose closing ends the lock.

    Returns:
        True if the lock was free.

    Raises:
        OSError: If there are no locks here.
    """
    if fcntl is None:
        raise OSError("no locks on this system")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_held: set[str] = set()
"""The folders that this process has made and keeps locked."""


def hold_folder(folder: str) -> int | None:
    """Lock a folder that this process has made until :func:`release_folder`; return its descriptor, if there is one.

    Args:
        folder: The folder.

    Returns:
        The descriptor for :func:`release_folder`; None on systems without these locks.

    Raises:
        OSError: If the folder cannot be opened.
    """
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    lock_file(descriptor)
    _held.add(folder)
    return descriptor


def release_folder(folder: str, descriptor: int | None) -> None:
    """Give up the lock of :func:`hold_folder`.

    Args:
        folder: The folder.
        descriptor: The value that :func:`hold_folder` returned.
    """
    _held.discard(folder)
    if descriptor is not None:
        os.close(descriptor)


@contextmanager
def folder_locks(folders: Iterable[str]) -> Iterator[bool]:
    """Hold the locks of folders while the block runs, so that one process at a time switches files in them.

    The locks are those of the folders themselves: there are no lock files.

    Args:
        folders: The folders, which exist; they are locked in sorted order.

    Yields:
        Whether all folders are locked; False where a file system or the system has no locks of folders.
    """
    with ExitStack() as stack:
        yield all(_lock_folder(folder, stack) for folder in sorted(set(folders) - _held))


def _lock_folder(folder: str, stack: ExitStack) -> bool:
    if fcntl is None:
        return False
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
