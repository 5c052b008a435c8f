"""Record the state of an archive: a journal with one line of JSON for each finished checkpoint."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from types import TracebackType
from typing import Any, Iterable, NamedTuple

from neutral.errors import TargetError
from neutral.fleet.entry import STATUSES, Entry
from neutral.store.atomic import atomic_file

JOURNAL = "journal.jsonl"
DAMAGED = "journal.damaged"
"""The file to which damaged lines of the journal are moved."""

_TEXTS, _OPTIONAL_TEXTS = ("name", "status"), ("digest", "store", "error")
_LISTS, _COUNTS = ("sources", "dtypes"), ("layers", "parameters", "nbytes", "opaque")
_LATER = {"has_graph": None, "opaque": 0}
"""Fields that journals of earlier versions lack."""


class Contents(NamedTuple):
    """The content of a journal.

    Args:
        entries: The last entry of each name.
        damaged: The lines that are not entries. An incomplete last line, of a run that was killed, is none of them.
    """

    entries: dict[str, Entry]
    damaged: list[bytes]


class Journal:
    """A file to which entries are appended, each synchronised to the disk before the next.

    Args:
        folder: The folder of the archive.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with Journal(folder) as journal:
        ...         journal.add(Entry("net", ("net.params",), status="converted"))
        ...     read_journal(folder).entries["net"].status
        'converted'
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, JOURNAL)

    def __enter__(self) -> Journal:
        try:
            self._file = open(self._path, "ab")
        except OSError as error:
            raise TargetError(f"{self._path}: cannot write: {error.strerror}.") from None
        if self._file.tell():
            self._file.write(b"\n")  # end a line that a killed run left incomplete
        return self

    def add(self, entry: Entry) -> None:
        """Append an entry and wait until it is on the disk.

        Args:
            entry: The entry; a later one of its name replaces it when the journal is read.

        Raises:
            TargetError: The journal cannot be written.
        """
        try:
            self._file.write(_line(entry))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise TargetError(f"{self._path}: cannot write: {error.strerror}.") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_journal(folder: str) -> Contents:
    """Read the journal of an archive; without one there are no entries.

    Args:
        folder: The folder of the archive.

    Returns:
        The last entry of each name, and the lines that are damaged.

    Raises:
        TargetError: The journal cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_journal(folder, [Entry("net", ("net.params",))])
        ...     list(read_journal(folder).entries)
        ['net']
    """
    path = os.path.join(folder, JOURNAL)
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return Contents({}, [])
    except OSError as error:
        raise TargetError(f"{path}: cannot read the journal of the archive: {error.strerror}.") from None
    entries: dict[str, Entry] = {}
    damaged = []
    for number, line in enumerate(lines, 1):
        entry = _parse(line)
        if entry is not None:
            entries[entry.name] = entry
        elif line.strip() and number < len(lines):
            damaged.append(line)
    return Contents(entries, damaged)


def quarantine(folder: str, damaged: Iterable[bytes]) -> None:
    """Append damaged lines of the journal to :data:`DAMAGED`, and wait until they are on the disk.

    Args:
        folder: The folder of the archive.
        damaged: The lines, without line ends.

    Raises:
        TargetError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     quarantine(folder, [b"not JSON"])
        ...     os.listdir(folder) == [DAMAGED]
        True
    """
    path = os.path.join(folder, DAMAGED)
    try:
        with open(path, "ab") as file:
            file.writelines(line + b"\n" for line in damaged)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TargetError(f"{path}: cannot write: {error.strerror}.") from None


def write_journal(folder: str, entries: Iterable[Entry]) -> None:
    """Replace the journal by one with these entries, in their order.

    Args:
        folder: The folder of the archive.
        entries: The entries; the file is replaced atomically.

    Raises:
        TargetError: The journal cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_journal(folder, [])
        ...     read_journal(folder)
        Contents(entries={}, damaged=[])
    """
    with atomic_file(os.path.join(folder, JOURNAL)) as file:
        file.writelines(map(_line, entries))


def _line(entry: Entry) -> bytes:
    return (json.dumps(asdict(entry), sort_keys=True) + "\n").encode()


def _parse(line: bytes) -> Entry | None:
    """Return the entry of a line; None if the line is not an entry."""
    try:
        item: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(item, dict):
        return None
    item = {**_LATER, **item}
    if set(item) != set(Entry.__dataclass_fields__):
        return None
    valid = (
        all(isinstance(item[key], str) for key in _TEXTS)
        and all(item[key] is None or isinstance(item[key], str) for key in _OPTIONAL_TEXTS)
        and all(isinstance(item[key], list) and all(isinstance(part, str) for part in item[key]) for key in _LISTS)
        and all(type(item[key]) is int and item[key] >= 0 for key in _COUNTS)
        and (item["has_graph"] is None or isinstance(item["has_graph"], bool))
        and item["status"] in STATUSES
        and _is_inside(item["store"])
    )
    return Entry(**{**item, "sources": tuple(item["sources"]), "dtypes": tuple(item["dtypes"])}) if valid else None


def _is_inside(store: str | None) -> bool:
    """Return whether the path of a store stays in the archive."""
    return store is None or not (os.path.isabs(store) or ".." in store.split("/") or "\0" in store)
