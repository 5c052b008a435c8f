"""Choose the checkpoint among the members of an archive."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import NamedTuple, Sequence

from mxnet_to_neutral.files.grouping import Group, group_files
from mxnet_to_neutral.files.kinds import ARCHIVE


@dataclass(frozen=True)
class Member:
    """A member of an archive that is not a folder.

    Args:
        name: The name in the archive.
        kind: ``symbol``, ``parameters``, ``archive`` or None; see :mod:`mxnet_to_neutral.files.kinds`.
        special: The type of the member if it is not a plain file, such as ``a symbolic link``; else empty.
    """

    name: str
    kind: str | None
    special: str = ""

    @property
    def path(self) -> str:
        """The name without the beginning that leads out of the archive."""
        return self.name.lstrip("./")

    @property
    def folder(self) -> str:
        """The folder that the member is in, without the beginning that leads out of the archive."""
        return self.path.rpartition("/")[0]

    @property
    def base_name(self) -> str:
        """The name without folders."""
        return os.path.basename(self.name)


class Choice(NamedTuple):
    """One checkpoint in an archive.

    Args:
        path: The text that names it after ``#``: a parameter file, a prefix, a symbol, or an archive in the archive.
        group: Its files without their folder; None for an archive in the archive.
    """

    path: str
    group: Group | None


def choices(members: Sequence[Member]) -> list[Choice]:
    """Return the checkpoints of an archive that a user may mean: one, several to choose from, or none.

    Symbols with parameters come before parameters alone, these before archives in the archive, and these before symbols
    alone.

    Args:
        members: The members; see :func:`mxnet_to_neutral.files.archives.list_members`.

    Returns:
        The choices, all of one kind, those in the fewest folders first.

    Example:
        >>> names = {"export/m-symbol.json": "symbol", "export/m-0000.params": "parameters", "mean.npy": "parameters"}
        >>> [choice.path for choice in choices([Member(name, kind) for name, kind in names.items()])]
        ['export/m-0000.params']
    """
    available = all_choices(members)
    groups = [choice for choice in available if choice.group]
    return (
        [choice for choice in groups if choice.group and choice.group.symbol and choice.group.params]
        or [choice for choice in groups if choice.group and choice.group.params]
        or [choice for choice in available if choice.group is None]
        or groups
    )


def all_choices(members: Sequence[Member]) -> list[Choice]:
    """Return the checkpoints of an archive of every kind: pairs, parameters alone, archives and symbols alone.

    Args:
        members: The members; see :func:`mxnet_to_neutral.files.archives.list_members`.

    Returns:
        The choices, those in the fewest folders first, then the archives in the archive.
    """
    folders: dict[str, dict[str, str | None]] = {}
    for member in members:
        folders.setdefault(member.folder, {})[member.base_name] = member.kind
    order = sorted(folders, key=lambda folder: (folder.count("/") + bool(folder), folder))
    groups = [(folder, group) for folder in order for group in group_files(folders[folder])]
    nested = [Choice(member.path, None) for member in members if member.kind == ARCHIVE]
    return [*(Choice(posixpath.join(folder, _name(group)), group) for folder, group in groups), *nested]


def _name(group: Group) -> str:
    return group.prefix or (group.params[0] if group.params else str(group.symbol))
