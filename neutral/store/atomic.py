"""Write files atomically: a reader sees the old files or the complete new ones.

The bytes are written to temporary files beside the targets. When all are complete, they are flushed to the disk and
renamed, one after the other, and then their folders are flushed.
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import BinaryIO, Iterator

from neutral.errors import TargetError
from neutral.store.folders import parent_folder
from neutral.store.locking import folder_locks
from neutral.store.temporary import TemporaryFile, remove_abandoned

_KEEPS_EXISTING: ContextVar[bool] = ContextVar("keeps_existing", default=False)


@contextmanager
def existing_files_kept() -> Iterator[None]:
    """Make all writers in the block refuse to replace a file; of concurrent processes, exactly one creates it.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as existing, existing_files_kept():
        ...     with atomic_file(existing.name) as file:
        ...         pass  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.TargetError: ...exists already, and is not replaced. Choose another name, or remove it.
    """
    token = _KEEPS_EXISTING.set(True)
    try:
        yield
    finally:
        _KEEPS_EXISTING.reset(token)


def keeps_existing() -> bool:
    """Return whether writers refuse to replace a file; see :func:`existing_files_kept`.

    Returns:
        True inside such a block, in this thread or task.

    Example:
        >>> with existing_files_kept():
        ...     keeps_existing()
        True
        >>> keeps_existing()
        False
    """
    return _KEEPS_EXISTING.get()


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
    with AtomicFiles() as files:
        yield files.open(path)


class AtomicFiles:
    """Files that replace their targets together when the block ends without an error; a context manager.

    All are complete and on the disk before the first is renamed, and concurrent processes rename one after the other.
    A process that is killed between two renames leaves the first targets new and the others old.

    Args:
        keep_existing: Refuse to replace a file, which :func:`existing_files_kept` does for all writers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with AtomicFiles() as files:
        ...         _ = files.open(os.path.join(folder, "a")).write(b"1")
        ...         _ = files.open(os.path.join(folder, "b")).write(b"2")
        ...     sorted(os.listdir(folder))
        ['a', 'b']
    """

    def __init__(self, keep_existing: bool = False) -> None:
        self._keep_existing = keep_existing or keeps_existing()
        self._files: list[tuple[str, TemporaryFile]] = []
        self._by_folded_name: dict[str, TemporaryFile] = {}
        self._path = ""
        self._stack = ExitStack()

    def open(self, path: str | os.PathLike[str]) -> BinaryIO:
        """Open a file that replaces ``path``; see :func:`atomic_file`.

        Args:
            path: The target; a symbolic link is followed, so that the file it points to is replaced.

        Returns:
            The temporary file, open for writing.

        Raises:
            TargetError: If it cannot be created, the target exists and is to be kept, or it is another of the targets
                on a file system that ignores case.
        """
        self._path = os.fspath(path)
        target = os.path.realpath(self._path)
        with written_errors(self._path):
            if self._keep_existing and os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            remove_abandoned(self._stack.enter_context(parent_folder(target)))
            file = TemporaryFile(target)
        self._stack.callback(file.close)
        self._refuse_one_file(file)
        self._files.append((self._path, file))
        return file.file

    def _refuse_one_file(self, file: TemporaryFile) -> None:
        """Raise TargetError if the name of a target differs from that of another only in case, and case is ignored."""
        other = self._by_folded_name.setdefault(file.target.casefold(), file)
        if other.target != file.target and file.ignores_case:
            raise TargetError(
                f"{self._path}: this file system ignores case, so it would replace {other.target}, which is written "
                "too. Choose a folder on another file system."
            )

    def __enter__(self) -> AtomicFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is None:
                self._replace()
            elif isinstance(error, OSError):
                with written_errors(self._path):
                    raise error
            else:
                raise error

    def _replace(self) -> None:
        for path, file in self._files:
            with written_errors(path):
                file.sync()
        folders = dict.fromkeys(file.folder for _, file in self._files)
        alone = len(self._files) < 2
        done: list[str] = []
        with nullcontext() if alone else folder_locks(folders):
            if self._keep_existing and not alone:
                for path, file in self._files:
                    refuse_existing(path, file.target)
            for path, file in self._files:
                with written_errors(path, done):
                    if self._keep_existing:
                        file.link()
                    else:
                        file.replace()
                done.append(path)
        for folder in folders:
            with synced_errors(done):
                sync_folder(folder)


def refuse_existing(path: str, target: str) -> None:
    """Raise TargetError if a target exists.

    Args:
        path: The target as the user named it, for the message.
        target: The same with links resolved.

    Raises:
        TargetError: If ``target`` exists, be it a broken link.

    Example:
        >>> refuse_existing("new.h5", "/no-such-folder/new.h5")
        >>> refuse_existing("folder", os.curdir)
        Traceback (most recent call last):
        neutral.errors.TargetError: folder: exists already, and is not replaced. Choose another name, or remove it.
    """
    if os.path.lexists(target):
        with written_errors(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


@contextmanager
def written_errors(path: str, replaced: list[str] | None = None) -> Iterator[None]:
    """Turn errors of the system into TargetError, which says which files have been replaced.

    Args:
        path: The target.
        replaced: The targets that were replaced before it.

    Raises:
        TargetError: If the block raises OSError.

    Example:
        >>> with written_errors("a.h5"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        neutral.errors.TargetError: a.h5: cannot be written: No space left on device. An existing file is unchanged.
    """
    try:
        yield
    except FileExistsError as error:
        raise TargetError(f"{path}: exists already, and is not replaced. Choose another name, or remove it.") from error
    except OSError as error:
        state = "An existing file is unchanged."
        if replaced:
            state = f"It is unchanged, but {', '.join(replaced)} was replaced already: run again."
        raise TargetError(f"{path}: cannot be written: {error.strerror or error}. {state}") from error


@contextmanager
def synced_errors(replaced: list[str]) -> Iterator[None]:
    """Turn an error of flushing a folder, after its files have been replaced, into TargetError.

    Args:
        replaced: The files that have been replaced, for the message.

    Raises:
        TargetError: If the block raises OSError.
    """
    try:
        yield
    except OSError as error:
        raise TargetError(
            f"{', '.join(replaced)}: complete, but the folder cannot be flushed to the disk: {error.strerror}. "
            "A power failure may undo it: run again."
        ) from error


def sync_folder(folder: str) -> None:
    """Flush the entries of a folder to the disk, where its file system can.

    Args:
        folder: The folder; nothing is done on Windows.

    Raises:
        OSError: If the folder cannot be opened or flushed.
    """
    if os.name == "nt":  # pragma: no cover - Windows, where folders cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot flush folders
            raise
    finally:
        os.close(descriptor)
