"""Remove temporary files and folders of killed processes, whose locks the system has released."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress

from neutral.portable import lock_file

_DAY = 24 * 60 * 60


def remove_if_abandoned(path: str, lock: str | None = None) -> None:
    """Remove a temporary file or folder if no process holds its lock.

    Without locks on its file system, it is removed when its lock has not been changed for a day.

    Args:
        path: The file or folder; errors are ignored.
        lock: The file that its process locks while it needs ``path``; None: ``path`` itself.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "x.tmp")
        ...     open(path, "w").close()
        ...     remove_if_abandoned(path)
        ...     os.listdir(folder)
        []
    """
    mode = os.O_RDONLY if lock is None and os.path.isdir(path) else os.O_RDWR
    with suppress(OSError):
        descriptor = os.open(lock or path, mode | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _is_abandoned(descriptor):
                _remove(path)
        finally:
            os.close(descriptor)


def _is_abandoned(descriptor: int) -> bool:
    try:
        lock_file(descriptor, wait=False)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return time.time() - os.fstat(descriptor).st_mtime > _DAY
    return True


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)
