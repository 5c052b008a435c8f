"""Exclusive locks between processes, which the kernel releases when their process ends."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import Callable, Iterator

from neutral.portable import lock_file

_held: set[int] = set()
"""Descriptors of the locks of this process; a forked child closes them, or it would hold the locks as well."""


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


def _close_in_child() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_close_in_child)
