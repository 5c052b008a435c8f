"""Convert every checkpoint of some trees once, whatever interrupts the run.

``journal.jsonl`` in the destination records the state: each finished checkpoint appends a line, and a later run skips
the checkpoints that it lists. The last step rewrites the journal sorted by name, so that the result depends neither on
the order of work nor on interruptions. One destination is one catalogue: runs that write to it wait for each other and
add to it.
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Callable, Mapping, Sequence

from neutral.errors import TargetError
from neutral.fleet import catalogue, journal
from neutral.fleet.discovery import Checkpoint, PassedOver, search
from neutral.fleet.entry import CONVERTED, Entry, convert, identify
from neutral.fleet.naming import name_checkpoints
from neutral.fleet.ownership import Assignment, assign, mark_duplicates, updated
from neutral.fleet.runner import TaskRunner
from neutral.store.locking import exclusive_lock

LOCK = ".lock"
"""The file in the destination that a run locks while it converts."""

NO_TABLE = f"{catalogue.PARQUET} was left out, since pyarrow is not installed: pip install pyarrow"


@dataclass(frozen=True)
class Summary:
    """The result of one run.

    Args:
        entries: All entries of the catalogue, sorted by name.
        resumed: How many of the run's checkpoints an earlier run had converted.
        notes: Parts of the catalogue that were left out or damaged, and why.
        run: The names of the entries whose checkpoints this run found.
        passed_over: The files that this run took for no checkpoint, and why.

    Example:
        >>> Summary((Entry("resnet", ("resnet-0000.params",)),), resumed=0).count("failed")
        1
    """

    entries: tuple[Entry, ...]
    resumed: int
    notes: tuple[str, ...] = ()
    run: frozenset[str] = frozenset()
    passed_over: tuple[PassedOver, ...] = ()

    def count(self, status: str) -> int:
        """Return the number of entries with a status.

        Args:
            status: ``converted``, ``duplicate``, ``failed`` or ``superseded``.

        Returns:
            The number of entries.
        """
        return sum(entry.status == status for entry in self.entries)

    @property
    def run_entries(self) -> tuple[Entry, ...]:
        """The entries whose checkpoints this run found, sorted by name."""
        return tuple(entry for entry in self.entries if entry.name in self.run)


def archive(
    sources: Sequence[str],
    destination: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Convert every checkpoint below some sources, and add them to the catalogue of the destination.

    Identical inputs are converted once. A checkpoint that cannot be converted, or that kills its process, becomes an
    entry with the status ``failed`` and its error. A name in the catalogue stays with the files and the content that
    first got it; others get a number. Runs with the same destination wait for each other.

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
    result = search(sources, leave_out=destination)
    checkpoints = {checkpoint.name: checkpoint for checkpoint in result.checkpoints}
    runner = TaskRunner(executor, workers)
    try:
        os.makedirs(destination, exist_ok=True)
        identifications = {name: (checkpoint,) for name, checkpoint in checkpoints.items()}
        entries = {entry.name: entry for entry in runner.run(identify, identifications, checkpoints)}
        with exclusive_lock(os.path.join(destination, LOCK), lambda: _tell_of_waiting(destination)):
            summary = _convert(checkpoints, entries, destination, runner, progress)
    except OSError as error:
        raise TargetError(f"{destination}: cannot write to the folder: {error.strerror}.") from None
    finally:
        runner.close()
    return replace(summary, passed_over=result.passed_over)


def _tell_of_waiting(destination: str) -> None:
    warnings.warn(
        f"{destination}: another run is adding to this archive; waiting for its end.", RuntimeWarning, stacklevel=4
    )


def _convert(
    discovered: Mapping[str, Checkpoint],
    identified: Mapping[str, Entry],
    destination: str,
    runner: TaskRunner,
    progress: Callable[[int, int], None] | None,
) -> Summary:
    """Convert the checkpoints that the archive lacks, and write its catalogue; needs the archive's lock."""
    contents = journal.read_journal(destination)
    notes = _repair(destination, contents)
    naming = name_checkpoints(discovered, identified, contents.entries)
    checkpoints = {naming.names[name]: replace(item, name=naming.names[name]) for name, item in discovered.items()}
    entries = {naming.names[name]: replace(item, name=naming.names[name]) for name, item in identified.items()}
    former = updated(contents.entries, naming.obsolete - set(entries))
    assignment = assign(entries, former, destination)
    entries.update(assignment.resumed)
    conversions = {name: (checkpoints[name], entries[name], destination) for name in assignment.conversions}
    with journal.Journal(destination) as log:
        for number, entry in enumerate(runner.run(convert, conversions, checkpoints), 1):
            entries[entry.name] = entry
            log.add(entry)
            if progress is not None:
                progress(number, len(conversions))
    merged = {**former, **mark_duplicates(entries, assignment, former)}
    result = tuple(merged[name] for name in sorted(merged))
    if not catalogue.write(destination, result):
        notes.append(NO_TABLE)
    return Summary(result, _resumed(assignment, contents.entries), tuple(notes), frozenset(entries))


def _repair(destination: str, contents: journal.Contents) -> list[str]:
    """Move damaged lines out of the journal, and return the notes about them."""
    if not contents.damaged:
        return []
    journal.quarantine(destination, contents.damaged)
    journal.write_journal(destination, [contents.entries[name] for name in sorted(contents.entries)])
    return [
        f"{journal.JOURNAL} had {len(contents.damaged)} damaged line{'s' * (len(contents.damaged) > 1)}, moved to "
        f"{journal.DAMAGED}: the archive no longer lists what they recorded. Archive its sources again."
    ]


def _resumed(assignment: Assignment, former: Mapping[str, Entry]) -> int:
    return sum(name in former and former[name].status == CONVERTED for name in assignment.resumed)
