"""Write a folder atomically: it appears with all of its files, or not at all."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

from neutral.errors import TargetError
from neutral.store.atomic import sync_folder, synced_errors, written_errors
from neutral.store.folders import parent_folder
from neutral.store.temporary import TemporaryFolder


def require_new_folder(path: str | os.PathLike[str]) -> None:
    """Raise TargetError if a folder that is going to be written has files in it; an empty one may exist.

    Args:
        path: The folder.

    Raises:
        TargetError: There is a file of this name, or the folder is not empty.

    Example:
        >>> require_new_folder("no-such-folder")
        >>> require_new_folder(os.sep)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.TargetError: ...: exists already and is not an empty folder. Choose another name.
    """
    target = Path(path)
    if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
        raise TargetError(f"{target}: exists already and is not an empty folder. Choose another name.")


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a folder that becomes ``path`` when the block ends without an error.

    The files in it have to be on the disk when the block ends, as those of :mod:`neutral.store.atomic` are.

    Args:
        path: The folder, which must be absent or empty; folders above it are made.

    Yields:
        The path of the folder meanwhile.

    Raises:
        TargetError: If the folder has files in it, or cannot be written; nothing of it stays.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     with atomic_folder(os.path.join(parent, "x")) as folder:
        ...         _ = (folder / "a").write_bytes(b"1")
        ...     os.listdir(parent), os.listdir(os.path.join(parent, "x"))
        (['x'], ['a'])
    """
    target = os.path.abspath(path)
    with ExitStack() as stack:
        with written_errors(str(path)):
            stack.enter_context(parent_folder(target))
            folder = TemporaryFolder(target)
        stack.callback(folder.close)
        with _named(path, folder.path), written_errors(str(path)):
            yield Path(folder.path)
            sync_folder(folder.path)
            if os.name == "nt" and os.path.isdir(target):  # pragma: no cover - Windows, which renames to no folder
                os.rmdir(target)
            os.rename(folder.path, target)
        with synced_errors([str(path)]):
            sync_folder(os.path.dirname(target))


@contextmanager
def _named(path: str | os.PathLike[str], temporary: str) -> Iterator[None]:
    """Name the folder and not the temporary one in errors."""
    try:
        yield
    except TargetError as error:
        raise TargetError(str(error).replace(temporary, str(path))) from error
