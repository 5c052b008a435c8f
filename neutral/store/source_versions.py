"""Notice that a file was changed or replaced while it was read."""

from __future__ import annotations

import os
from typing import Dict, Iterable, Mapping, Optional, Tuple

from neutral.errors import SourceError
from neutral.tensor import Tensor

Version = Optional[Tuple[int, int, int, int]]
"""Device, number, size and time of the last change of a file; None if it cannot be read."""


class SourceVersions(Dict[str, Version]):
    """The versions of files by path.

    Args:
        paths: The files.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     versions = SourceVersions([file.name])
        ...     versions.check()
        ...     _ = file.write(b"more"), file.flush()
        ...     try:
        ...         versions.check()
        ...     except SourceError as error:
        ...         print(str(error).replace(file.name, "FILE"))
        FILE: it was changed while it was read. Run again when nothing writes to it.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__((path, _version(path)) for path in paths)

    def check(self) -> None:
        """Compare the files with their versions.

        Raises:
            SourceError: A file has changed, was replaced, or is gone.
        """
        for path, version in self.items():
            current = _version(path)
            if current != version:
                change = "changed" if current else "removed"
                raise SourceError(f"{path}: it was {change} while it was read. Run again when nothing writes to it.")


def files_of(tensors: Mapping[str, Tensor]) -> set[str]:
    """Return the paths of the files that hold tensors.

    Args:
        tensors: The tensors by key.

    Returns:
        The paths; tensors that are computed or downloaded have none.
    """
    return {part.path for _, _, content in tensors.values() if isinstance(content, tuple) for part in content}


def _version(path: str) -> Version:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
