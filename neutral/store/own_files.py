"""Mark the files that Neutral writes, and keep those of others: both are told apart by their beginning or end."""

from __future__ import annotations

import os
import re
from typing import BinaryIO

WEIGHTS_METADATA = {"format": "pt", "generator": "neutral"}
"""The metadata of weights in safetensors: what Hugging Face's libraries ask for, and who wrote the file."""

ZIP_COMMENT = b"neutral"
"""The comment of zip files: weights as torch saves them, and arrays."""

_HDF5_MARK = rb"\A\x89HDF\r\n\x1a\n(?s:.*?)format(?s:.*?)neutral"

_MARKS = {
    ".py": rb"Weights: SHA-256 [0-9a-f]{64}\n|^Converted from .* by Neutral [0-9.]+",
    ".toml": rb"^neutral_plan = ",
    ".html": rb'<meta name="generator" content="Neutral">',
    ".json": rb'\A\{\s*"metadata": \{\s*"neutral',
    ".safetensors": rb'\A(?s:.{8})\{"__metadata__":\{"format":"pt","(?:neutral|golden|generator":"neutral")',
    ".h5": _HDF5_MARK,
    ".hdf5": _HDF5_MARK,
    ".onnx": rb"\A\x08(?s:.)\x12\x07neutral",
}
"""Patterns that the beginning of a file of Neutral matches, by suffix."""

_ZIP_SUFFIXES = (".pth", ".pt", ".npz")

_ZIP_END, _ZIP_END_SIZE = b"PK\x05\x06", 22
"""How the last record of a zip file begins, and its bytes without a comment; the last two are the comment's length."""

_READ = 1 << 16


def add_zip_comment(file: BinaryIO) -> None:
    """Write the comment of Neutral's files at the end of a zip file that has none.

    Args:
        file: The file, open for reading and writing. One that does not end as zip files do is left as it is.

    Example:
        >>> import io, zipfile
        >>> file = io.BytesIO()
        >>> zipfile.ZipFile(file, "w").close()
        >>> add_zip_comment(file)
        >>> zipfile.ZipFile(file).comment
        b'neutral'
    """
    if file.seek(0, os.SEEK_END) < _ZIP_END_SIZE:
        return
    file.seek(-_ZIP_END_SIZE, os.SEEK_END)
    end = file.read(_ZIP_END_SIZE)
    if end.startswith(_ZIP_END) and end.endswith(bytes(2)):
        file.seek(-2, os.SEEK_END)
        file.write(len(ZIP_COMMENT).to_bytes(2, "little") + ZIP_COMMENT)


def has_mark(path: str) -> bool:
    """Return whether files of this kind have a mark when Neutral writes them.

    Args:
        path: A file; its suffix decides.

    Example:
        >>> has_mark("net.py"), has_mark("net.listing")
        (True, False)
    """
    return os.path.splitext(path)[1].lower() in (*_MARKS, *_ZIP_SUFFIXES)


def is_own(path: str) -> bool:
    """Return whether Neutral wrote a file, by the mark of its kind.

    Args:
        path: An existing file.

    Returns:
        False also for kinds that have no mark.

    Raises:
        OSError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "plan.toml")
        ...     for text in ("neutral_plan = 1", "[tool.other]", ""):
        ...         with open(path, "w") as file:
        ...             _ = file.write(text)
        ...         is_own(path)
        True
        False
        False
    """
    if not has_mark(path):
        return False
    with open(path, "rb") as file:
        head = file.read(_READ)
        file.seek(max(0, os.fstat(file.fileno()).st_size - len(ZIP_COMMENT)))
        tail = file.read()
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _ZIP_SUFFIXES:
        return tail == ZIP_COMMENT
    return re.search(_MARKS[suffix], head, re.MULTILINE) is not None


def is_replaceable(path: str) -> bool:
    """Return whether an output may take the place of a file.

    Args:
        path: An existing file.

    Returns:
        True for a file with the mark of its kind, for an empty file, of which nothing can be lost, and for a kind that
        only writers of other packages write.

    Raises:
        OSError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "plan.toml")
        ...     for text in ("neutral_plan = 1", "[tool.other]", ""):
        ...         with open(path, "w") as file:
        ...             _ = file.write(text)
        ...         is_replaceable(path)
        True
        False
        True
    """
    with open(path, "rb") as file:
        is_empty = not file.read(1)
    return is_empty or not has_mark(path) or is_own(path)
