"""Name the checkpoints of a run: in one archive, a name belongs to the files and the content that first got it."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Mapping, NamedTuple

from neutral.fleet.discovery import Checkpoint, unique_name
from neutral.fleet.entry import Entry


class Naming(NamedTuple):
    """The names of a run's checkpoints.

    Args:
        names: The name in the archive by the name that discovery gave.
        obsolete: The names of former entries whose files have changed since.
    """

    names: dict[str, str]
    obsolete: frozenset[str]


def name_checkpoints(
    checkpoints: Mapping[str, Checkpoint], entries: Mapping[str, Entry], former: Mapping[str, Entry]
) -> Naming:
    """Choose the names of a run's checkpoints.

    Args:
        checkpoints: The checkpoints of the run by the names that discovery gave.
        entries: The identified entries of the run by the same names.
        former: The entries of the archive by name.

    Returns:
        For a checkpoint that the archive has, its name there; for one whose files have changed, and for a new one, its
        own, with a number if the archive has it already.

    Example:
        >>> new = Checkpoint("model", "mxnet", ("/b/model.params",))
        >>> old = {"model": Entry("model", ("/a/model.params",), digest="00")}
        >>> name_checkpoints({"model": new}, {"model": Entry("model", new.paths)}, old).names
        {'model': 'model~2'}
    """
    by_sources: dict[tuple[str, ...], list[Entry]] = {}
    for entry in former.values():
        by_sources.setdefault(entry.sources, []).append(entry)
    names: dict[str, str] = {}
    obsolete: set[str] = set()
    for name in sorted(checkpoints):
        digest = entries[name].digest
        known = by_sources.get(checkpoints[name].paths, [])
        same = [entry for entry in known if entry.store is None or entry.digest == digest]
        if same:
            names[name] = max(same, key=lambda entry: entry.store is not None).name
        if digest is not None:
            obsolete.update(entry.name for entry in known if entry.name != names.get(name))
    taken = {name.casefold() for name in (*former, *names.values())}
    for name in sorted(checkpoints):
        if name not in names:
            names[name] = unique_name(name, taken)
            taken.add(names[name].casefold())
    return Naming(names, frozenset(obsolete))


def renamed(items: Iterable[Entry], names: Mapping[str, str]) -> dict[str, Entry]:
    """Return entries by their names in the archive.

    Args:
        items: The entries of a run.
        names: The name in the archive by the name in the run.

    Returns:
        Copies of the entries that carry the new names.

    Example:
        >>> list(renamed([Entry("net", ("a/net.params",))], {"net": "a/net"}))
        ['a/net']
    """
    return {names[item.name]: replace(item, name=names[item.name]) for item in items}
