"""Find the checkpoints among the files of one folder, and describe the other files."""

from __future__ import annotations

import os
import re
from typing import Iterator, Sequence

from mxnet_to_neutral.arrays.signatures import HEAD_SIZE
from mxnet_to_neutral.files.detection import describe_file, kind_of
from mxnet_to_neutral.files.folder import groups_in
from mxnet_to_neutral.files.grouping import Group, group_files
from mxnet_to_neutral.files.kinds import (
    ARCHIVE,
    ARCHIVE_SUFFIXES,
    FOREIGN_SUFFIXES,
    PARAMETERS,
    SYMBOL,
    is_packed,
    kind_of_content,
)
from neutral.errors import NeutralError, SourceError
from neutral.store.remote import RemoteFile, is_url

ASSETS = (
    *(".py", ".txt", ".md", ".rst", ".csv", ".tsv", ".log", ".yaml", ".yml", ".html", ".ipynb", ".sh", ".cfg", ".ini"),
    *(".c", ".cc", ".cpp", ".h", ".jpg", ".jpeg", ".png", ".gif", ".mp4", ".rec", ".idx", ".lst", ".parquet", ".json"),
)
"""Suffixes of remote files that are not looked into: each look is a request."""

_WITHOUT_CHECKPOINT = {
    SYMBOL: "a symbol without parameters",
    PARAMETERS: "parameters in a hidden file",
    ARCHIVE: "an archive without a checkpoint",
}

_MISTAKEN = ("is a Git", "is a Python pickle", "is an error message", "is an HTML page")
"""How the descriptions of files begin that were perhaps meant to be checkpoints."""

_MARKUP_SUFFIXES = (".html", ".htm", ".xml", ".svg", ".md")


def find(folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name and the files of each checkpoint in a folder; see :class:`mxnet_to_neutral.plugin.MXNetReader`.

    Args:
        folder: A local folder, whose files are known by their content, or a URL.
        names: The names of its files.

    Yields:
        The checkpoint's name and the names of its files in the folder.
    """
    if is_url(folder):
        kinds = {name: _remote_kind(folder, name) for name in names}
        yield from _named(group_files(kinds))
        yield from ((name, (name,)) for name in names if kinds[name] == ARCHIVE)
        return
    present = [name for name in names if os.path.isfile(os.path.join(folder, name))]
    if present:
        yield from _named(groups_in(folder, present))
        for name in present:
            if kind_of(os.path.join(folder, name)) == ARCHIVE:
                yield from _in_archive(os.path.join(folder, name), name)
    else:
        kinds = {name: _kind_by_name(name) for name in names}
        yield from _named(group_files(kinds))
        yield from ((name, (name,)) for name in names if kinds[name] == ARCHIVE)


def describe(path: str) -> str | None:
    """Describe a local file of no checkpoint, in words that follow its name; None for unknown ones.

    Args:
        path: The file.

    Returns:
        A noun phrase such as ``a symbol without parameters``, or None.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net-symbol.json")
        ...     with open(path, "w") as file:
        ...         _ = file.write('{"nodes": [], "arg_nodes": [], "heads": []}')
        ...     describe(path)
        'a symbol without parameters'
    """
    kind = kind_of(path)
    if kind is not None:
        return _WITHOUT_CHECKPOINT[kind]
    text = describe_file(path)
    if text is None or not text.startswith(_MISTAKEN) or path.lower().endswith(_MARKUP_SUFFIXES):
        return None
    return text.partition(". ")[0].replace("is ", "", 1)


def _named(groups: Sequence[Group]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every epoch of every group."""
    for group in groups:
        for params in group.params:
            yield re.sub(r"\.params$", "", params), ((group.symbol, params) if group.symbol else (params,))


def _in_archive(path: str, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the checkpoints of an archive; one that cannot be read, if its name is that of an archive."""
    from mxnet_to_neutral.files.nested import checkpoints_in

    try:
        members = checkpoints_in(path)
    except SourceError:
        members = [""] if name.lower().endswith(ARCHIVE_SUFFIXES) else []
    for member in members:
        yield (f"{name}/{re.sub('[.]params$', '', member)}", (f"{name}#{member}",)) if member else (name, (name,))


def _remote_kind(folder: str, name: str) -> str | None:
    """Return the kind of a remote file, by its name or else by its first bytes."""
    kind = _kind_by_name(name)
    if kind is not None or name.lower().endswith((*ASSETS, *FOREIGN_SUFFIXES)):
        return kind
    try:
        file = RemoteFile(f"{folder.rstrip('/')}/{name}")
        head = file.read(0, HEAD_SIZE)
    except NeutralError:
        return None
    return ARCHIVE if is_packed(head) else kind_of_content(name, head, file.size)


def _kind_by_name(name: str) -> str | None:
    lower = name.lower()
    if lower.endswith(ARCHIVE_SUFFIXES[:4]):
        return ARCHIVE
    if lower.endswith((".params", ".param")):
        return "parameters"
    return SYMBOL if lower.endswith(".json") else None
