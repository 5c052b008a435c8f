"""Which checkpoints a tree holds. What belongs together is for the readers to say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterator, Sequence

from neutral import plugins
from neutral.errors import SourceError


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint, and the name that its store gets: a path below the archive, without a suffix."""

    name: str
    reader: str
    paths: tuple[str, ...]


def discover(sources: Sequence[str]) -> list[Checkpoint]:
    """Every checkpoint in files and folders, sorted by name; links to folders are not followed.

    Where several sources are given, the name of each comes first. Raises SourceError where one does not exist.
    """
    found: dict[str, Checkpoint] = {}
    readers = [reader for reader in plugins.load_all(plugins.READERS) if hasattr(reader, "find")]
    for source in sources:
        if not os.path.exists(source):
            raise SourceError(f"{source}: there is no such file or folder.")
        top = os.path.basename(os.path.abspath(source)) if len(sources) > 1 else ""
        for folder, names in _folders(source):
            inside = os.path.relpath(folder, source) if os.path.isdir(source) else ""
            for reader in readers:
                for name, members in reader.find(folder, names):
                    whole = _free(os.path.normpath(os.path.join(top, inside, name)), found)
                    paths = tuple(os.path.join(folder, member) for member in members)
                    found[whole] = Checkpoint(whole, reader.name, paths)
    return [found[name] for name in sorted(found)]


def _folders(source: str) -> Iterator[tuple[str, list[str]]]:
    if os.path.isfile(source):
        yield os.path.dirname(source), [os.path.basename(source)]
        return
    for folder, inner, names in os.walk(source):
        inner.sort()
        yield folder, sorted(name for name in names if os.path.isfile(os.path.join(folder, name)))


def _free(name: str, taken: dict[str, Checkpoint]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}~{number}"
    return free
