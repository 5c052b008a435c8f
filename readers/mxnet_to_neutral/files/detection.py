"""Detect the kind of a local file, by its content."""

from __future__ import annotations

import os

from mxnet_to_neutral.arrays.signatures import HEAD_SIZE, describe_foreign_file
from mxnet_to_neutral.files.kinds import (
    ARCHIVE,
    ARCHIVE_SUFFIXES,
    FOREIGN_SUFFIXES,
    SPACE,
    SYMBOL,
    is_packed,
    is_symbol,
    kind_of_content,
)
from neutral import limits
from neutral.torch_zip import is_saved_by_torch


def kind_of(path: str) -> str | None:
    """Return the kind of a file: ``symbol``, ``parameters``, ``archive``, or None for any other one.

    Args:
        path: The file; one that cannot be read has no kind.

    Returns:
        The kind, by the content of the file.
    """
    name = os.path.basename(path)
    if name.lower().endswith(FOREIGN_SUFFIXES):
        return None
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(HEAD_SIZE)
            if head.lstrip(SPACE).startswith(b"{"):
                content = head + (file.read() if size <= limits.GRAPH_BYTES.value else b"")
                return SYMBOL if is_symbol(name, content) else kind_of_content(name, head, size)
    except OSError:
        return None
    if is_packed(head):
        from mxnet_to_neutral.files.archives import is_archive  # imports tarfile and zipfile

        if is_archive(path) or (name.lower().endswith(ARCHIVE_SUFFIXES) and not name.lower().endswith(".npz")):
            return ARCHIVE
    return kind_of_content(name, head, size)


def is_torch_file(path: str) -> bool:
    """Return whether a path is a file that ``torch.save`` wrote.

    Args:
        path: A file; False for anything that cannot be read as one.
    """
    try:
        with open(path, "rb") as file:
            return is_saved_by_torch(file.read(HEAD_SIZE))
    except OSError:
        return False


def describe_file(path: str) -> str | None:
    """Describe a file that is neither symbol, parameters nor archive, in words that follow its name.

    Args:
        path: The file; one that cannot be read is described by the system's reason.

    Returns:
        A predicate that begins with ``is`` or ``cannot be read``; None for JSON and for unknown content.
    """
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if head.lstrip(SPACE).startswith((b"{", b"[")):
        return None
    return describe_foreign_file(head, size)
