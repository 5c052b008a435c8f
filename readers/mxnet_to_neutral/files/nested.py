"""Find a checkpoint in an archive, in archives within it, or at the member that ``archive#member`` names."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from typing import Callable, Iterator, Sequence

from mxnet_to_neutral.files.checkpoint import Checkpoint, in_temporary_folder, name_origins
from mxnet_to_neutral.files.folder import find_by_prefix, with_partner
from mxnet_to_neutral.files.kinds import ARCHIVE, ARCHIVE_SUFFIXES, PARAMETERS
from mxnet_to_neutral.files.members import Choice, Member, all_choices, choices
from neutral.errors import SourceError
from neutral.scratch import ScratchFolder
from neutral.store.source_versions import SourceVersions
from neutral.text import listed

MAX_NESTING = 4
"""Archives within archives that are opened."""

MAX_LISTED = 20
"""Members that a message lists."""


def find_in_archive(path: str, member: str, epoch: int | None, depth: int = 0) -> Checkpoint:
    """Return a checkpoint of an archive; its files are in a temporary folder that its ``close`` removes.

    Args:
        path: The archive.
        member: A parameter file, a symbol, a prefix, a folder or an archive in it, and after a further ``#`` a member
            of that; empty for the only checkpoint.
        epoch: The epoch of the parameters; None for the latest.
        depth: The number of archives that this one is in.

    Returns:
        The paths of the unpacked files.

    Raises:
        SourceError: The archive is damaged, or holds no such checkpoint or several.
    """
    return in_temporary_folder(lambda folder: _find(path, member, epoch, depth, folder))


def checkpoints_in(path: str, depth: int = 0) -> list[str]:
    """Return the members that are checkpoints: every epoch, and those of archives in the archive.

    Args:
        path: The archive.
        depth: The number of archives that this one is in.

    Returns:
        Paths within the archive, as they are written after ``#``; one that is empty, for a single checkpoint.

    Raises:
        SourceError: The archive is damaged.
    """
    from mxnet_to_neutral.files.archives import list_members

    if depth > MAX_NESTING:
        return [""]  # reading it says so
    members = list_members(path)
    names = [name for choice in all_choices(members) for name in _checkpoints_of(path, members, choice, depth)]
    return [""] if len(names) == 1 else names


def _checkpoints_of(path: str, members: Sequence[Member], choice: Choice, depth: int) -> Iterator[str]:
    """Yield the parameter files of a choice, every epoch; of an archive in the archive, those of its checkpoints."""
    folder = posixpath.dirname(choice.path)
    if choice.group is not None:
        yield from (posixpath.join(folder, name) for name in choice.group.params)
        return
    from mxnet_to_neutral.files.archives import extract

    with ScratchFolder() as scratch:
        member = next(member for member in members if member.path == choice.path)
        try:
            extract(path, [member], scratch)
            inner = checkpoints_in(os.path.join(scratch, member.base_name), depth + 1)
        except SourceError:  # reading it says what is wrong
            inner = [""] if member.base_name.lower().endswith(ARCHIVE_SUFFIXES) else []
    yield from (f"{choice.path}#{name}" if name else choice.path for name in inner)


def _find(path: str, member: str, epoch: int | None, depth: int, folder: str) -> Checkpoint:
    from mxnet_to_neutral.files.archives import extract, list_members

    if depth > MAX_NESTING:
        raise SourceError(f"{path}: archives are nested in more than {MAX_NESTING} archives. Unpack them.")
    versions = SourceVersions([path])
    members = list_members(path)
    name, _, rest = member.partition("#")
    chosen = posixpath.normpath(name).lstrip("./") or _only_choice(path, members)
    if not chosen:
        raise SourceError(f"{path}: there is no MXNet symbol and no parameter file in this archive.")
    exact = [item for item in members if item.path == chosen]
    if exact and exact[0].kind == ARCHIVE:
        extract(path, exact[:1], folder)
        versions.check()
        inner = os.path.join(folder, exact[0].base_name)
        return _with_origin(lambda: find_in_archive(inner, rest, epoch, depth + 1), inner, f"{path}#{chosen}")
    inside = [item for item in members if item.path.startswith(chosen + "/")]
    if inside and not exact:  # a folder
        chosen = _only_choice(path, inside, chosen)
        exact = [item for item in members if item.path == chosen]
        if exact and exact[0].kind == ARCHIVE:
            return _find(path, chosen, epoch, depth, folder)
    if not exact and not any(item.path.startswith(chosen) for item in members):
        names = ", ".join(item.path for item in members[:MAX_LISTED]) or "no checkpoint"
        raise SourceError(f"{path}: there is no member {chosen!r} that is a checkpoint; it holds {names}.")
    location = posixpath.dirname(chosen)
    extract(path, [item for item in members if item.folder == location and item.kind != ARCHIVE], folder)
    versions.check()
    within = posixpath.join(location, "")
    found = _with_origin(lambda: _select(folder, posixpath.basename(chosen), exact, epoch), folder, path, within)
    others = [] if name else [item.path for item in members if item.kind == PARAMETERS and item.folder != location]
    return replace(found, notes=(*found.notes, *_notes_on_others(others)))


def _notes_on_others(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"passed over {listed(names, MAX_LISTED)} in the archive of the checkpoint"


def _select(folder: str, name: str, exact: Sequence[Member], epoch: int | None) -> Checkpoint:
    """Return the checkpoint at a file, or at a prefix, of the folder of unpacked files."""
    path = os.path.join(folder, name)
    if not exact:
        return find_by_prefix(path, epoch)
    given = Checkpoint(None, path) if exact[0].kind == PARAMETERS else Checkpoint(path, None)
    return with_partner(given, epoch)


def _only_choice(path: str, members: Sequence[Member], folder: str = "") -> str:
    """Return the path of the only checkpoint among the members of an archive, or of a folder in it."""
    available = choices(members)
    if len(available) > 1:
        lines = [f"  - {path}#{choice.path}" for choice in available[:MAX_LISTED]]
        if len(available) > MAX_LISTED:
            lines.append(f"  - and {len(available) - MAX_LISTED} more")
        place = f"{path}#{folder}" if folder else path
        raise SourceError(
            f"{place}: the archive holds more than one checkpoint ({len(available)}). Name one of:\n" + "\n".join(lines)
        )
    return available[0].path if available else ""


def _with_origin(find: Callable[[], Checkpoint], local: str, name: str, within: str = "") -> Checkpoint:
    """Call a function; name the archive, and the folder ``within`` it, in errors instead of temporary files."""
    origins = ((os.path.join(local, ""), f"{name}#{within}"), (local, name))
    try:
        found = find()
    except SourceError as error:
        name_origins(error, origins)
        raise
    return replace(found, origins=(*found.origins, *origins))
