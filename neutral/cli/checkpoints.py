"""Find the one checkpoint that a folder holds, and the golden file that lies beside a checkpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from neutral.errors import NeutralError, SourceError
from neutral.members import split_member

if TYPE_CHECKING:
    from neutral.verification.golden import Golden

MAX_LISTED = 8
"""Checkpoints that an error lists."""


def find_checkpoint(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the paths of one checkpoint: those given, or the only one in a folder and the folders below it.

    Files that Neutral wrote, such as the weights of an earlier migration, count only where there is nothing else.

    Args:
        sources: A folder, or the paths of a checkpoint.

    Returns:
        Paths for a reader, and notes on what was passed over.

    Raises:
        SourceError: The folder holds no checkpoint, or several in different folders; they are listed.
    """
    if len(sources) != 1 or not os.path.isdir(sources[0]):
        return list(sources), []
    from neutral.fleet.discovery import search

    result = search(sources)
    originals = [checkpoint for checkpoint in result.checkpoints if not all(map(_is_own, checkpoint.paths))]
    checkpoints = originals or list(result.checkpoints)
    own = [path for item in result.checkpoints if item not in checkpoints for path in item.paths]
    notes = [f"passed over {path}, which Neutral wrote" for path in (_below(path, sources[0]) for path in own)]
    if not checkpoints:
        reasons = tuple(f"{item.path}: {item.reason}" for item in result.passed_over[:MAX_LISTED])
        raise SourceError(f"{sources[0]}: no checkpoint in this folder or below it.{_listing(reasons)}")
    if len(checkpoints) == 1:
        return [_below(path, sources[0]) for path in checkpoints[0].paths], notes
    folders = {os.path.dirname(_file(checkpoint.paths[0])) for checkpoint in checkpoints}
    readers = {item.reader for item in checkpoints}
    if len(folders) == 1 and len(readers) == 1:  # several epochs or prefixes: the reader decides
        return [_below(folders.pop(), sources[0])], notes
    more = [f"and {len(checkpoints) - MAX_LISTED:,} more"] if len(checkpoints) > MAX_LISTED else []
    names = [checkpoint.name for checkpoint in checkpoints[:MAX_LISTED]]
    raise SourceError(
        f"{sources[0]}: {len(checkpoints)} checkpoints; expected one. Name one of them, or convert all with "
        f"`neutral archive {sources[0]} --to FOLDER`:{_listing([*names, *more])}"
    )


def golden_beside(paths: Sequence[str], document: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Return the golden file in the folder of a checkpoint that was recorded from it, and notes on what was decided.

    Args:
        paths: The paths of the checkpoint.
        document: The document of ``inspect`` for its store.

    Returns:
        The path, or None; and sentences for people.

    Raises:
        SourceError: Several files were recorded from this checkpoint.
    """
    digests = {file["sha256"] for file in document["source"]["files"]} if document["source"] else set()
    inputs = {item["name"] for item in document["graph"]["inputs"]} if document["graph"] else set()
    candidates = [golden for golden in _golden_files(paths) if not golden.is_reference]
    recorded = [golden.path for golden in candidates if golden.sources and digests.issuperset(golden.sources.values())]
    if len(recorded) > 1:
        raise SourceError(f"{', '.join(recorded)}: recorded from this checkpoint; name one with --golden.")
    if recorded:
        return recorded[0], [f"took {recorded[0]}, which was recorded from these files"]
    anonymous = [
        golden.path
        for golden in candidates
        if not golden.sources and {item.name for item in golden.inputs if not item.label} == inputs
    ]
    notes = [
        f"{golden.path}: a golden file of another checkpoint; it was not used"
        for golden in candidates
        if golden.path not in anonymous
    ]
    if len(anonymous) == 1:
        return anonymous[0], [*notes, f"took {anonymous[0]} beside the checkpoint; it does not say from which files"]
    notes += [f"{path}: one of {len(anonymous)} golden files; name one with --golden" for path in anonymous]
    return None, notes


def original_file(paths: Sequence[str], name: str) -> str | None:
    """Return the path of an original file of a checkpoint, if it lies in a folder and not in an archive.

    Args:
        paths: The paths of the checkpoint.
        name: The name of the file that the store records.

    Returns:
        The path, or None.

    Example:
        >>> original_file(["no-such-folder/model"], "model-symbol.json") is None
        True
    """
    places = [path for path in paths if os.path.basename(path) == name and os.path.isfile(path)]
    places += [os.path.join(folder, name) for folder in _folders(paths)]
    return next(filter(os.path.isfile, places), None)


def _golden_files(paths: Sequence[str]) -> Iterator[Golden]:
    from neutral.verification.golden import open_golden

    for folder in _folders(paths):
        for name in sorted(os.listdir(folder or os.curdir)):
            if name.endswith(".safetensors"):
                try:
                    yield open_golden(os.path.join(folder, name))
                except NeutralError:
                    continue


def _folders(paths: Sequence[str]) -> list[str]:
    """Return the folders of local files, without repeats."""
    folders = (path if os.path.isdir(path) else os.path.dirname(_file(path)) for path in paths)
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder or os.curdir)]


def _is_own(path: str) -> bool:
    from neutral.store.own_files import is_own

    file = _file(path)
    return os.path.isfile(file) and is_own(file)


def _below(path: str, folder: str) -> str:
    """Return an absolute path below a folder in the terms in which the folder is given."""
    return os.path.normpath(os.path.join(folder, os.path.relpath(path, folder)))


def _file(path: str) -> str:
    return path if os.path.exists(path) else split_member(path)[0]


def _listing(items: Sequence[str]) -> str:
    return "".join(f"\n- {item}" for item in items)
