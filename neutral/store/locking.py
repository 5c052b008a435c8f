"""Advisory locks of files and folders, which the system releases when their process ends."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import Callable, Iterable, Iterator

from neutral.portable import lock_file

_held: set[int] = set()
"""Descriptors of the files that this process locks; a forked child closes them, or it would hold the locks as well."""

_held_folders: set[str] = set()
"""The folders that this process has made and keeps locked."""


@contextmanager
def exclusive_lock(path: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on a file while the block runs.

    Args:
        path: The file, created if necessary and never removed: whoever waits for it holds it open.
        on_wait: Called once if another process holds the lock.

    Raises:
        OSError: The file cannot be opened for writing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, exclusive_lock(os.path.join(folder, "lock")):
        ...     os.listdir(folder)
        ['lock']
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    _held.add(descriptor)
    try:
        with suppress(OSError):  # a file system without locks
            try:
                lock_file(descriptor, wait=False)
            except BlockingIOError:
                on_wait()
                lock_file(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def lock_if_possible(descriptor: int) -> None:
    """Lock an open file, if its file system has locks.

    Args:
        descriptor: The file's descriptor, whose closing ends the lock.
    """
    with suppress(OSError):
        lock_file(descriptor)


def hold_folder(folder: str) -> int | None:
    """Lock a folder that this process has made until :func:`release_folder`; return its descriptor.

    Args:
        folder: The folder.

    Returns:
        The descriptor for :func:`release_folder`; None where folders cannot be opened (Windows).
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return None
    lock_if_possible(descriptor)
    _held_folders.add(folder)
    return descriptor


def release_folder(folder: str, descriptor: int | None) -> None:
    """Give up the lock of :func:`hold_folder`.

    Args:
        folder: The folder.
        descriptor: The value that :func:`hold_folder` returned.
    """
    _held_folders.discard(folder)
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

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, folder_locks([folder, folder]) as locked:
        ...     isinstance(locked, bool)
        True
    """
    with ExitStack() as stack:
        yield all(_lock_folder(folder, stack) for folder in sorted(set(folders) - _held_folders))


def _lock_folder(folder: str, stack: ExitStack) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        lock_file(descriptor)
    except OSError:
        return False
    return True


def _close_in_child() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_close_in_child)
