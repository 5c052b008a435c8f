"""Temporary files and folders beside their targets, which later runs remove when their writer was killed.

A writer holds a lock on its temporary file or folder, and the system releases the lock when the process ends; so one
that can be locked was abandoned, and the next writer into the folder removes it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import BinaryIO

from neutral.abandoned import remove_if_abandoned
from neutral.store.locking import hold_folder, lock_if_possible, release_folder

_FILE = re.compile(r"\..*\.neutral-[0-9a-f]{16}\.tmp", re.DOTALL)
_FOLDER = re.compile(r"\..*\.neutral-[0-9a-f]{16}\.folder\.tmp", re.DOTALL)
_LONGEST_NAME = 200


class TemporaryFile:
    """A locked temporary file that becomes a target by a rename or a link.

    Attributes:
        target: The path of the target.
        folder: The folder of both.
        file: The file, open for reading and writing.

    Args:
        target: The path of the target, with no symbolic link in it; its folder gets the file.

    Raises:
        OSError: If the target is a folder or a device, or the file cannot be created.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = TemporaryFile(os.path.join(folder, "x"))
        ...     _ = file.file.write(b"new")
        ...     file.sync()
        ...     file.replace()
        ...     file.close()
        ...     os.listdir(folder)
        ['x']
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.folder = os.path.dirname(target)
        require_file_or_nothing(target)
        self.file, self._path = _create(self.folder, os.path.basename(target))

    def sync(self) -> None:
        """Flush the content to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        if os.name == "nt":  # pragma: no cover - Windows, which renames closed files only
            self.file.close()

    @property
    def ignores_case(self) -> bool:
        """Whether names in the folder that differ only in case are one file."""
        return os.path.lexists(f"{self._path[: -len('.tmp')]}.TMP")

    def replace(self, target: str | None = None) -> None:
        """Rename the file to its target, or to another path in the folder.

        Args:
            target: A path in the same folder; None: the target that the file was made for.

        Raises:
            OSError: If the file cannot be renamed.
        """
        os.replace(self._path, self.target if target is None else target)

    def link(self) -> None:
        """Give the file the name of its target unless that exists; of several processes, exactly one succeeds.

        Raises:
            FileExistsError: If the target exists.
        """
        try:
            os.link(self._path, self.target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.close(os.open(self.target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            try:
                self.replace()
            except OSError:
                os.unlink(self.target)
                raise
        else:
            os.unlink(self._path)

    def close(self) -> None:
        """Close the file and give up its lock; remove it if it has not become its target."""
        with suppress(OSError):
            os.unlink(self._path)
        with suppress(OSError):
            self.file.close()


class TemporaryFolder:
    """A locked temporary folder beside its target; see :class:`TemporaryFile`.

    Attributes:
        path: The path of the folder.

    Args:
        target: The path of the folder that this one is going to become.

    Raises:
        OSError: If it cannot be created.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     temporary = TemporaryFolder(os.path.join(folder, "x"))
        ...     os.path.isdir(temporary.path)
        ...     temporary.close()
        ...     os.listdir(folder)
        True
        []
    """

    def __init__(self, target: str) -> None:
        folder, name = os.path.split(os.path.abspath(target))
        folder = os.path.realpath(folder)
        remove_abandoned(folder)
        self.path, self._descriptor = _create_folder(folder, name)

    def close(self) -> None:
        """Give up the lock, and remove the folder if it has not become its target."""
        shutil.rmtree(self.path, ignore_errors=True)
        release_folder(self.path, self._descriptor)


def replace_by_link(path: str, target: str) -> None:
    """Give a file a second name in its folder, which replaces a file of that name.

    Args:
        path: The file.
        target: The second name, a path in the same folder.

    Raises:
        OSError: If the file system has no hard links.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a")
        ...     open(path, "w").close()
        ...     replace_by_link(path, os.path.join(folder, "b"))
        ...     sorted(os.listdir(folder))
        ['a', 'b']
    """
    link = _temporary_path(os.path.dirname(target), os.path.basename(target))
    os.link(path, link)
    try:
        os.replace(link, target)  # does nothing if both are the same file
    finally:
        with suppress(OSError):
            os.unlink(link)


def require_file_or_nothing(target: str) -> None:
    """Raise OSError if a path is a folder, a device, a pipe or a socket.

    Args:
        target: The path, which may not exist.

    Raises:
        OSError: If it cannot be a file's.

    Example:
        >>> require_file_or_nothing("no-such-file")
        >>> require_file_or_nothing(os.curdir)
        Traceback (most recent call last):
        IsADirectoryError: [Errno 21] Is a directory
    """
    with suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is a device, a pipe or a socket")


def remove_abandoned(folder: str) -> None:
    """Remove the temporary files and folders of killed runs from a folder.

    Args:
        folder: The folder; errors are ignored, and files of runs that still hold their lock stay.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     open(os.path.join(folder, "weights"), "w").close()
        ...     remove_abandoned(folder)
        ...     os.listdir(folder)
        ['weights']
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _is_temporary(entry):
                remove_if_abandoned(entry.path)


def _is_temporary(entry: os.DirEntry[str]) -> bool:
    if _FOLDER.fullmatch(entry.name):
        return entry.is_dir(follow_symlinks=False)
    return _FILE.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)


def _create(folder: str, name: str) -> tuple[BinaryIO, str]:
    """Create a temporary file and lock it."""
    while True:
        path = _temporary_path(folder, name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, 0o666), "w+b", buffering=1 << 20)
        lock_if_possible(file.fileno())
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # another writer removed it between its creation and its lock


def _create_folder(folder: str, name: str) -> tuple[str, int | None]:
    """Create a temporary folder and lock it, where folders have locks."""
    while True:
        path = _temporary_path(folder, name, ".folder.tmp")
        os.mkdir(path)
        with suppress(FileNotFoundError):  # another writer removed it between its creation and its lock
            descriptor = hold_folder(path)
            if os.path.isdir(path):
                return path, descriptor
            release_folder(path, descriptor)


def _temporary_path(folder: str, name: str, suffix: str = ".tmp") -> str:
    shortened = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    return os.path.join(folder, f".{shortened}.neutral-{os.urandom(8).hex()}{suffix}")
