"""Create the folders of an output, and remove them again if the output is not written."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import Iterator


@contextmanager
def parent_folder(path: str) -> Iterator[str]:
    """Create the missing folders above ``path``; if the block raises, remove those that it created and left empty.

    Args:
        path: A file that is going to be written.

    Yields:
        The folder of the file.

    Raises:
        OSError: A folder cannot be created.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     try:
        ...         with parent_folder(os.path.join(root, "a", "b", "file")) as folder:
        ...             print(os.path.isdir(folder))
        ...             raise ValueError
        ...     except ValueError:
        ...         print(os.listdir(root))
        True
        []
    """
    folder = os.path.dirname(path)
    created = _missing(folder)
    try:
        try:
            os.makedirs(folder, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        yield folder
    except BaseException:
        for name in created:
            with suppress(OSError):
                os.rmdir(name)
        raise


def _missing(folder: str) -> list[str]:
    """Return the folders of a path that do not exist, the innermost first."""
    missing = []
    while folder and not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing
