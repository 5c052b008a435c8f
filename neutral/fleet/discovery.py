"""Which checkpoints a tree holds. What belongs together is for the readers to say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator, Sequence

from neutral import plugins
from neutral.errors import SourceError
from neutral.store.remote import folders, is_url


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint, and the name that its store gets: a path below the archive, without a suffix."""

    name: str
    reader: str
    paths: tuple[str, ...]


def discover(sources: Sequence[str]) -> list[Checkpoint]:
    """Every checkpoint in files, folders and URLs of them, sorted by name; links to folders are not followed.

    Where several sources are given, the name of each comes first. Raises SourceError where one does not exist.
    """
    found: dict[str, Checkpoint] = {}
    readers = [reader for reader in plugins.load_all(plugins.READERS) if hasattr(reader, "find")]
    for source in sources:
        top = ""
        if len(sources) > 1:
            top = os.path.basename(source.rstrip("/") if is_url(source) else os.path.abspath(source))
        for folder, inside, names in folders(source) if is_url(source) else _folders(source):
            for reader in readers:
                for name, members in reader.find(folder, names):
                    whole = _free(os.path.normpath(os.path.join(top, inside, name)), found)
                    paths = tuple(os.path.join(folder, member) for member in members)  # of URLs too
                    found[whole] = Checkpoint(whole, reader.name, paths)
    return [found[name] for name in sorted(found)]


def _folders(source: str) -> Iterator[tuple[str, str, list[str]]]:
    """The folders of a tree, each with its path from there on and its files' names; of a file, the folder it is in."""
    if not os.path.exists(source):
        raise SourceError(f"{source}: there is no such file or folder.")
    if os.path.isfile(source):
        yield os.path.dirname(source), "", [os.path.basename(source)]
        return
    for folder, inner, names in os.walk(source):
        inner.sort()
        files = sorted(name for name in names if os.path.isfile(os.path.join(folder, name)))
        yield folder, os.path.relpath(folder, source), files


def _free(name: str, taken: dict[str, Checkpoint]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}~{number}"
    return free
