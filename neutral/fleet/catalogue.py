"""Write the catalogue of an archive: a journal, an HTML page and, with pyarrow, a Parquet table."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any, Sequence
from urllib.parse import quote

from neutral.fleet.entry import Entry
from neutral.fleet.journal import write_journal
from neutral.page import render_page
from neutral.store.atomic import atomic_file

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


def _page(entries: Sequence[Entry]) -> str:
    rows = [{**asdict(entry), "address": _address(entry)} for entry in entries]
    return render_page("catalogue", "Archive", {"entries": rows})


def _address(entry: Entry) -> str | None:
    """Return the relative address of a store; nothing in its name can act as a scheme or a query."""
    return None if entry.store is None else quote(os.fsencode(entry.store))
