"""Write the catalogue of an archive: a journal, an HTML page and, with pyarrow, a Parquet table."""

from __future__ import annotations

import html
import json
import os
from dataclasses import asdict
from types import TracebackType
from typing import Any, Sequence
from urllib.parse import quote

from neutral.errors import TargetError
from neutral.fleet.entry import Entry
from neutral.store.atomic import atomic_file
from neutral.text import printable

JOURNAL = "journal.jsonl"
PARQUET = "catalogue.parquet"
PAGE = "index.html"


class Journal:
    """A file to which entries are appended, each synchronised to the disk before the next.

    Args:
        folder: The folder of the archive.
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
        """Append an entry and wait until it is on the disk."""
        self._file.write(_line(entry))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def finished(folder: str) -> dict[str, Entry]:
    """Return the last entry of every name in the journal; skip lines that a killed run left incomplete.

    Args:
        folder: The folder of the archive; without a journal there are no entries.
    """
    entries = {}
    try:
        with open(os.path.join(folder, JOURNAL), "rb") as file:
            for line in file:
                try:
                    item = json.loads(line)
                    entry = Entry(**{**item, "sources": tuple(item["sources"]), "dtypes": tuple(item["dtypes"])})
                except (ValueError, TypeError, KeyError):
                    continue
                entries[entry.name] = entry
    except FileNotFoundError:
        pass
    return entries


def write(folder: str, entries: Sequence[Entry]) -> bool:
    """Write journal, page and table.

    Args:
        folder: The folder of the archive.
        entries: All entries, in the order of the result.

    Returns:
        Whether the table was written, which needs pyarrow.
    """
    with atomic_file(os.path.join(folder, JOURNAL)) as file:
        file.writelines(map(_line, entries))
    with atomic_file(os.path.join(folder, PAGE)) as file:
        file.write(_page(entries).encode())
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return False
    columns = {name: [_cell(asdict(entry)[name]) for entry in entries] for name in Entry.__dataclass_fields__}
    with atomic_file(os.path.join(folder, PARQUET)) as file:
        pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return True


def _line(entry: Entry) -> bytes:
    return (json.dumps(asdict(entry), sort_keys=True) + "\n").encode()


def _cell(value: Any) -> Any:
    """Convert tuples to lists, and escape names that are not valid UTF-8."""
    if isinstance(value, tuple):
        return [_cell(item) for item in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


COLUMNS = ("model", "status", "layers", "parameters", "dtypes", "bytes", "source SHA-256", "error")


def _page(entries: Sequence[Entry]) -> str:
    rows = "\n".join(map(_row, entries))
    head = "".join(f"<th>{name}" for name in COLUMNS)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Archive</title>\n'
        "<style>body{font:14px sans-serif}td,th{padding:2px 12px;text-align:left;border-bottom:1px solid #ddd}"
        ".n{text-align:right}.d{font:11px monospace}.failed{color:#b00}</style>\n"
        f"<h1>{len(entries)} checkpoints</h1>\n<table><tr>{head}\n{rows}\n</table></html>\n"
    )


def _row(entry: Entry) -> str:
    name = html.escape(printable(entry.name))
    if entry.store is not None:
        name = f'<a href="{quote(os.fsencode(entry.store))}">{name}</a>'
    numbers = "".join(f'<td class="n">{number:,}' for number in (entry.layers, entry.parameters))
    error = html.escape(printable(entry.error or ""))
    return (
        f'<tr class="{entry.status}"><td>{name}<td>{entry.status}{numbers}<td>{", ".join(entry.dtypes)}'
        f'<td class="n">{entry.nbytes:,}<td class="d">{entry.digest or ""}<td>{error}'
    )
