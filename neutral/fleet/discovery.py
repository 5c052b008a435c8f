"""Find checkpoints in folders and buckets; readers decide which files form one checkpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Container, Iterator, NamedTuple, Sequence

from neutral import plugins
from neutral.errors import SourceError
from neutral.store.remote import folders, is_url

OTHER = "of another kind"
"""The reason for passing over a file that no reader knows."""


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint.

    Args:
        name: The path of its store below the archive, without a suffix.
        reader: The name of the reader.
        paths: Its files, absolute, or URLs.

    Example:
        >>> checkpoint = Checkpoint("resnet", "mxnet", ("/a/resnet-symbol.json", "/a/resnet-0000.params"))
        >>> len(checkpoint.paths)
        2
    """

    name: str
    reader: str
    paths: tuple[str, ...]


class PassedOver(NamedTuple):
    """A file that is not a checkpoint, and part of none.

    Args:
        path: The file, absolute, or its URL.
        reason: The kind of file, in words that follow its name.

    Example:
        >>> PassedOver("/a/notes.txt", "no reader knows it").path
        '/a/notes.txt'
    """

    path: str
    reason: str


class Found(NamedTuple):
    """The result of a search, both parts sorted.

    Args:
        checkpoints: The checkpoints.
        passed_over: The files that belong to none, and why.
    """

    checkpoints: tuple[Checkpoint, ...]
    passed_over: tuple[PassedOver, ...]


def discover(sources: Sequence[str]) -> list[Checkpoint]:
    """Return every checkpoint below some sources, sorted by name; see :func:`search`.

    Args:
        sources: Files, folders and URLs of them.

    Returns:
        The checkpoints.

    Raises:
        SourceError: A source does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     discover([folder])
        []
    """
    return list(search(sources).checkpoints)


def search(sources: Sequence[str], leave_out: str | None = None) -> Found:
    """Search some sources for checkpoints; do not follow links to folders.

    Args:
        sources: Files, folders and URLs of them. With several, the names of checkpoints begin with the source's name.
        leave_out: A folder that is not searched, such as the archive in one of the sources.

    Returns:
        The checkpoints, sorted by name, and the files that are not part of any, with the reason.

    Raises:
        SourceError: A source does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     open(os.path.join(folder, "notes.xyz"), "w").close()
        ...     result = search([folder])
        >>> len(result.checkpoints), [os.path.basename(item.path) for item in result.passed_over]
        (0, ['notes.xyz'])
    """
    checkpoints: dict[str, Checkpoint] = {}
    taken: set[str] = set()
    passed_over: dict[str, str] = {}
    readers = [reader for reader in plugins.load_all(plugins.READERS) if hasattr(reader, "find")]
    for given in sources:
        source = given if is_url(given) else os.path.abspath(given)
        top = os.path.basename(source.rstrip("/")) if len(sources) > 1 else ""
        for folder, inside, names in folders(source) if is_url(source) else _folders(source, leave_out):
            used: set[str] = set()
            for reader in readers:
                for name, members in reader.find(folder, names):
                    unique = unique_name(os.path.normpath(os.path.join(top, inside, name)), taken)
                    taken.add(unique.casefold())
                    paths = tuple(os.path.join(folder, member) for member in members)  # also joins URLs
                    checkpoints[unique] = Checkpoint(unique, reader.name, paths)
                    used.update(part for member in members for part in (member, member.partition("#")[0]))
            for name in sorted(set(names) - used):
                passed_over[os.path.join(folder, name)] = _reason(readers, folder, name)
    return Found(
        tuple(checkpoints[name] for name in sorted(checkpoints)),
        tuple(PassedOver(*item) for item in sorted(passed_over.items())),
    )


def _reason(readers: Sequence[Any], folder: str, name: str) -> str:
    """Return the kind of a file, by the first reader that knows it."""
    for reader in readers:
        describe = getattr(reader, "describe", None)
        reason = None if describe is None else describe(os.path.join(folder, name))
        if reason is not None:
            return str(reason)
    return OTHER


def _folders(source: str, leave_out: str | None) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each folder of a tree, its path relative to the tree, and its files; for a file, its folder and itself."""
    if not os.path.exists(source):
        raise SourceError(f"{source}: no such file or folder.")
    if os.path.isfile(source):
        yield os.path.dirname(source), "", [os.path.basename(source)]
        return
    skipped = None if leave_out is None else os.path.realpath(leave_out)
    for folder, inner, names in os.walk(source):
        inner[:] = sorted(name for name in inner if os.path.realpath(os.path.join(folder, name)) != skipped)
        files = sorted(name for name in names if os.path.isfile(os.path.join(folder, name)))
        yield folder, os.path.relpath(folder, source), files


def unique_name(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the name itself, or with the first free number.

    Names that differ only in case are the same: an archive may be on a file system that ignores case.

    Args:
        name: The wanted name.
        taken: The names that are in use, in folded case.

    Returns:
        ``name``, ``name~2``, ``name~3`` and so on.

    Example:
        >>> unique_name("Model", {"model", "model~2"})
        'Model~3'
    """
    number, unique = 1, name
    while unique.casefold() in taken:
        number += 1
        unique = f"{name}~{number}"
    return unique
