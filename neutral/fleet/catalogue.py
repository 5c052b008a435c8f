"""Write the catalogue of an archive: a journal, an HTML page and, with pyarrow, a Parquet table."""

from __future__ import annotations

import html
import os
from dataclasses import asdict
from typing import Any, Sequence
from urllib.parse import quote

from neutral.fleet.entry import Entry
from neutral.fleet.journal import write_journal
from neutral.store.atomic import atomic_file
from neutral.text import printable

PARQUET = "catalogue.parquet"
PAGE = "index.html"


def write(folder: str, entries: Sequence[Entry]) -> bool:
    """Write journal, page and table.

    Args:
        folder: The folder of the archive.
        entries: All entries, in the order of the result.

    Returns:
        Whether the table was written, which needs pyarrow.

    Raises:
        TargetError: If a file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write(folder, [Entry("resnet", ("resnet-0000.params",))])
        ...     PAGE in os.listdir(folder)
        True
    """
    write_journal(folder, entries)
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
