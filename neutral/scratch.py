"""Temporary folders that the next run removes if their process was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from types import TracebackType

from neutral.abandoned import remove_if_abandoned
from neutral.portable import lock_file

_PREFIX = "neutral-"
_LOCK = "lock"


class ScratchFolder:
    """A folder in the system's folder for temporary files; a context manager, which yields its path.

    The folder is locked while its process lives. Folders of killed processes can be locked, and are removed when the
    next one is made.

    Attributes:
        path: The path of the folder.

    Example:
        >>> with ScratchFolder() as path:
        ...     os.listdir(path)
        []
        >>> os.path.exists(path)
        False
    """

    def __init__(self) -> None:
        _remove_abandoned(tempfile.gettempdir())
        self._folder, self._descriptor = _create()
        self.path = os.path.join(self._folder, "files")
        os.mkdir(self.path)

    def close(self) -> None:
        """Remove the folder and its files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> str:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _create() -> tuple[str, int | None]:
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX)
        lock = os.path.join(folder, _LOCK)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            lock_file(descriptor, wait=False)
        except BlockingIOError:
            pass
        except OSError:  # no locks here: nothing is removed
            os.close(descriptor)
            os.unlink(lock)
            return folder, None
        else:
            if os.path.exists(lock):
                return folder, descriptor
        os.close(descriptor)  # another process takes the folder for abandoned and removes it


def _remove_abandoned(parent: str) -> None:
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                remove_if_abandoned(entry.path, os.path.join(entry.path, _LOCK))  # without a lock file it stays
