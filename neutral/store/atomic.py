"""Files that appear whole or not at all.

The bytes go to a temporary file beside the target, which is flushed to the disk and renamed over it. A process that
is killed leaves its temporary file; the next write into that folder removes it. An owner holds a lock on its
temporary file, which the kernel drops when the owner is gone, so a file that can be locked is abandoned.
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

_TEMPORARY = re.compile(r"\..*\.neutral-[0-9a-f]{16}\.tmp", re.DOTALL)
_DAY = 24 * 60 * 60
_LONGEST_NAME = 200


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends without an error.

    A symbolic link is written through: the file that it points to is replaced and the link stays. The mode follows
    the umask. Raises :class:`TargetError` where writing fails; ``path`` is then as it was.
    """
    path = os.fspath(path)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        _refuse_what_is_no_file(target)
        _sweep(folder)
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
            f"{path}: cannot be written: {error.strerror or error}. What stood there before is untouched."
        ) from error


def _refuse_what_is_no_file(target: str) -> None:
    with suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is a device, a pipe or a socket")


def _create(folder: str, name: str) -> tuple[BinaryIO, str]:
    shortened = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    while True:
        path = os.path.join(folder, f".{shortened}.neutral-{os.urandom(8).hex()}.tmp")
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w+b", buffering=1 << 20)
        with suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # swept by another writer between its creation and its lock


def _sweep(folder: str) -> None:
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
            pass  # its owner is at work
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
        if error.errno != errno.EINVAL:  # a file system that cannot flush folders
            raise
    finally:
        os.close(descriptor)
