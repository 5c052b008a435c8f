"""Convert every checkpoint of some trees once, whatever interrupts the run.

``journal.jsonl`` in the destination records the state: each finished checkpoint appends a line, and a later run skips
the checkpoints that it lists. The last step rewrites the journal sorted by name, so that the result depends neither on
the order of work nor on interruptions.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Callable, Sequence

from neutral.errors import TargetError
from neutral.fleet import catalogue
from neutral.fleet.discovery import discover
from neutral.fleet.entry import Entry, convert, identify
from neutral.fleet.runner import TaskRunner

NO_TABLE = f"{catalogue.PARQUET} was left out, since pyarrow is not installed: pip install 'neutral-weights[catalogue]'"


@dataclass(frozen=True)
class Summary:
    """The result of one run.

    Args:
        entries: All entries of the catalogue, sorted by name.
        resumed: How many of them an earlier run had finished.
        notes: Parts of the catalogue that were left out, and why.
    """

    entries: tuple[Entry, ...]
    resumed: int
    notes: tuple[str, ...] = ()

    def count(self, status: str) -> int:
        """Return the number of entries with a status."""
        return sum(entry.status == status for entry in self.entries)


def archive(
    sources: Sequence[str],
    destination: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Convert every checkpoint below some sources, and write a catalogue.

    Identical inputs are converted once. A checkpoint that cannot be converted, or that kills its process, becomes an
    entry with the status ``failed`` and its error.

    Args:
        sources: Files, folders and URLs of them.
        destination: The folder of the archive, created if necessary.
        executor: An executor of :mod:`concurrent.futures`, or the result of a Dask client's ``get_executor()`` whose
            machines share the folders; processes by default.
        workers: The number of processes without ``executor``; one for each core by default.
        progress: Called with the checkpoints done and the checkpoints in all.

    Returns:
        The catalogue's entries, and how many of them were resumed.

    Raises:
        SourceError: A source does not exist.
        TargetError: The destination cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     archive([folder], folder + "/archive", workers=1).entries
        ()
    """
    destination = os.fspath(destination)
    checkpoints = {checkpoint.name: checkpoint for checkpoint in discover(sources)}
    try:
        os.makedirs(destination, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{destination}: cannot create the folder: {error.strerror}.") from None
    runner = TaskRunner(executor, workers)
    try:
        identifications = {name: (checkpoint,) for name, checkpoint in checkpoints.items()}
        entries = {entry.name: entry for entry in runner.run(identify, identifications, checkpoints)}
        first_of_digest = _first_of_digest(entries)
        finished = catalogue.finished(destination)
        resumed = {
            name: finished[name]
            for name in first_of_digest.values()
            if _is_done(finished.get(name), entries[name], destination)
        }
        conversions = {
            name: (checkpoints[name], entries[name], destination)
            for name in first_of_digest.values()
            if name not in resumed
        }
        entries.update(resumed)
        with catalogue.Journal(destination) as journal:
            for number, entry in enumerate(runner.run(convert, conversions, checkpoints), 1):
                entries[entry.name] = entry
                journal.add(entry)
                if progress is not None:
                    progress(number, len(conversions))
    finally:
        runner.close()
    _mark_duplicates(entries, first_of_digest)
    result = tuple(entries[name] for name in sorted(entries))
    notes = () if catalogue.write(destination, result) else (NO_TABLE,)
    return Summary(result, len(resumed), notes)


def _first_of_digest(entries: dict[str, Entry]) -> dict[str, str]:
    """Return the first name, in alphabetical order, of every distinct input."""
    first: dict[str, str] = {}
    for name in sorted(entries):
        digest = entries[name].digest
        if digest is not None:
            first.setdefault(digest, name)
    return first


def _mark_duplicates(entries: dict[str, Entry], first_of_digest: dict[str, str]) -> None:
    """Replace the entry of every other input with the same digest by one that refers to the first's store."""
    for name, entry in entries.items():
        if entry.digest is not None and first_of_digest[entry.digest] != name:
            original = entries[first_of_digest[entry.digest]]
            status = "duplicate" if original.status == "converted" else original.status
            entries[name] = replace(original, name=name, sources=entry.sources, status=status)


def _is_done(journalled: Entry | None, entry: Entry, destination: str) -> bool:
    """Return whether the journal lists the same input as converted and its store still exists."""
    return (
        journalled is not None
        and journalled.status == "converted"
        and journalled.digest == entry.digest
        and os.path.isfile(os.path.join(destination, journalled.store or ""))
    )
