"""Find checkpoints in folders and buckets; readers decide which files form one checkpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator, Sequence

from neutral import plugins
from neutral.errors import SourceError
from neutral.store.remote import folders, is_url


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint.

    Args:
        name: The path of its store below the archive, without a suffix.
        reader: The name of the reader.
        paths: Its files, or URLs.
    """

    name: str
    reader: str
    paths: tuple[str, ...]


def discover(sources: Sequence[str]) -> list[Checkpoint]:
    """Return every checkpoint below some sources, sorted by name; do not follow links to folders.

    Args:
        sources: Files, folders and URLs of them. With several, the names of checkpoints begin with the source's name.

    Raises:
        SourceError: A source does not exist.
    """
    checkpoints: dict[str, Checkpoint] = {}
    readers = [reader for reader in plugins.load_all(plugins.READERS) if hasattr(reader, "find")]
    for source in sources:
        top = ""
        if len(sources) > 1:
            top = os.path.basename(source.rstrip("/") if is_url(source) else os.path.abspath(source))
        for folder, inside, names in folders(source) if is_url(source) else _folders(source):
            for reader in readers:
                for name, members in reader.find(folder, names):
                    unique = _unique(os.path.normpath(os.path.join(top, inside, name)), checkpoints)
                    paths = tuple(os.path.join(folder, member) for member in members)  # also joins URLs
                    checkpoints[unique] = Checkpoint(unique, reader.name, paths)
    return [checkpoints[name] for name in sorted(checkpoints)]


def _folders(source: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each folder of a tree, its path relative to the tree, and its files; for a file, its folder and itself."""
    if not os.path.exists(source):
        raise SourceError(f"{source}: no such file or folder.")
    if os.path.isfile(source):
        yield os.path.dirname(source), "", [os.path.basename(source)]
        return
    for folder, inner, names in os.walk(source):
        inner.sort()
        files = sorted(name for name in names if os.path.isfile(os.path.join(folder, name)))
        yield folder, os.path.relpath(folder, source), files


def _unique(name: str, taken: dict[str, Checkpoint]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}~{number}"
    return unique
