"""Write files atomically: a reader sees the old file or the complete new one.

The bytes are written to a temporary file beside the target, which is flushed to the disk and renamed. A writer holds a
lock on its temporary file, and the kernel releases the lock when the process ends; so a temporary file that can be
locked was abandoned, and the next writer into the folder removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from typing import BinaryIO, Iterator

from neutral.errors import TargetError
from neutral.store.folders import parent_folder

_TEMPORARY = re.compile(r"\..*\.neutral-[0-9a-f]{16}\.tmp", re.DOTALL)
_DAY = 24 * 60 * 60
_LONGEST_NAME = 200


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that replaces ``path`` when the block ends without an error.

    Missing folders are created. The file's mode follows the umask. It is on the disk when the block has ended.

    Args:
        path: The target. Of a symbolic link, the file that it points to is replaced.

    Yields:
        The file, open for reading and writing.

    Raises:
        TargetError: If the target is not a regular file, or cannot be written; it is then unchanged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "x")
        ...     with atomic_file(path) as file:
        ...         _ = file.write(b"new")
        ...         os.path.exists(path)
        ...     os.listdir(folder)
        False
        ['x']
    """
    path = os.fspath(path)
    target = os.path.realpath(path)
    try:
        with parent_folder(target) as folder:
            _require_file_or_nothing(target)
            _remove_abandoned_files(folder)
            file, temporary = _create(folder, os.path.basename(target))
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            finally:
                with suppress(OSError):
                    file.close()
            _sync_folder(folder)
    except OSError as error:
        raise TargetError(
            f"{path}: cannot be written: {error.strerror or error}. An existing file is unchanged."
        ) from error


def _require_file_or_nothing(target: str) -> None:
    with suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is a device, a pipe or a socket")


def _create(folder: str, name: str) -> tuple[BinaryIO, str]:
    """Create a temporary file and lock it."""
    shortened = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    while True:
        path = os.path.join(folder, f".{shortened}.neutral-{os.urandom(8).hex()}.tmp")
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w+b", buffering=1 << 20)
        with suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # another writer removed it between its creation and its lock


def _remove_abandoned_files(folder: str) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_abandoned(entry.path)


def _remove_if_abandoned(path: str) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        except BlockingIOError:
            pass  # its writer is at work
        except OSError:  # a file system without locks
            if time.time() - os.fstat(descriptor).st_mtime > _DAY:
                os.unlink(path)
        finally:
            os.close(descriptor)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot flush folders
            raise
    finally:
        os.close(descriptor)
