"""Decide which entry owns the store of each content, and which checkpoints are still to be converted."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Collection, Mapping, NamedTuple

from neutral.fleet.entry import CONVERTED, DUPLICATE, SUPERSEDED, Entry


class Assignment(NamedTuple):
    """How the contents of a run's checkpoints are stored.

    Args:
        owners: The name of the entry that owns the store, by digest.
        resumed: Entries of the run whose stores exist already, by name.
        conversions: The names of the checkpoints to convert, sorted.
    """

    owners: dict[str, str]
    resumed: dict[str, Entry]
    conversions: list[str]


def updated(former: Mapping[str, Entry], obsolete: Collection[str]) -> dict[str, Entry]:
    """Return the former entries; obsolete ones are superseded if they have a store, else left out.

    Args:
        former: The entries of earlier runs by name.
        obsolete: Names whose files have changed or are gone.

    Returns:
        The entries by name.

    Example:
        >>> former = {"net": Entry("net", ("net.params",), status=CONVERTED, store="net.safetensors")}
        >>> updated(former, {"net"})["net"].status
        'superseded'
    """
    return {
        name: replace(entry, status=SUPERSEDED) if name in obsolete else entry
        for name, entry in former.items()
        if name not in obsolete or entry.store is not None
    }


def assign(entries: Mapping[str, Entry], former: Mapping[str, Entry], destination: str) -> Assignment:
    """Choose the owner of every content of a run: who has its store, else the first name in alphabetical order.

    Args:
        entries: The identified entries of the run by their names in the archive.
        former: The other entries of the archive, from :func:`updated`.
        destination: The folder of the archive, in which stores are looked for.

    Returns:
        The owner of each digest, and the checkpoints that have to be converted.

    Example:
        >>> entries = {name: Entry(name, (name + ".params",), digest="f" * 64) for name in ("copy", "net")}
        >>> assign(entries, {}, "archive").conversions
        ['copy']
    """
    stored: dict[str, Entry] = {}
    for entry in sorted(former.values(), key=lambda item: (item.status != CONVERTED, item.name)):
        if entry.digest is not None and entry.status in (CONVERTED, SUPERSEDED) and _has_store(entry, destination):
            stored.setdefault(entry.digest, entry)
    names: dict[str, list[str]] = {}
    for name in sorted(entries):
        digest = entries[name].digest
        if digest is not None:
            names.setdefault(digest, []).append(name)
    result = Assignment({}, {}, [])
    for digest, candidates in names.items():
        known = stored.get(digest)
        owner = candidates[0] if known is None or known.status != CONVERTED else known.name
        result.owners[digest] = owner
        if known is None:
            result.conversions.append(owner)
        elif owner in entries:
            result.resumed[owner] = replace(known, name=owner, sources=entries[owner].sources, status=CONVERTED)
    result.conversions.sort()
    return result


def mark_duplicates(
    entries: Mapping[str, Entry], assignment: Assignment, former: Mapping[str, Entry]
) -> dict[str, Entry]:
    """Return the run's entries, with those that share the content of an owner as its duplicates.

    Args:
        entries: The entries of the run after the conversions.
        assignment: The owners.
        former: The other entries of the archive, among which owners may be.

    Returns:
        The entries by name.

    Example:
        >>> names = ("copy", "net")
        >>> entries = {name: Entry(name, (name + ".params",), digest="f" * 64, status=CONVERTED) for name in names}
        >>> marked = mark_duplicates(entries, Assignment({"f" * 64: "copy"}, {}, ["copy"]), {})
        >>> [entry.status for entry in marked.values()]
        ['converted', 'duplicate']
    """
    result = {}
    for name, entry in entries.items():
        owner_name = name if entry.digest is None else assignment.owners[entry.digest]
        if owner_name != name:
            owner = entries.get(owner_name) or former[owner_name]
            status = DUPLICATE if owner.status == CONVERTED else owner.status
            entry = replace(owner, name=name, sources=entry.sources, status=status)
        result[name] = entry
    return result


def _has_store(entry: Entry, destination: str) -> bool:
    return entry.store is not None and os.path.isfile(os.path.join(destination, entry.store))
