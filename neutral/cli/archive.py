"""Convert every checkpoint below some folders, and write a catalogue of the results.

Run the same command again to resume: checkpoints that the journal in the destination lists are not converted again. A
checkpoint that cannot be converted does not stop the others; the exit code is then 3.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any, Iterator

from neutral.cli.console import Console, Report, plural
from neutral.errors import SourceError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from neutral.fleet import Summary

STATUSES = ("converted", "duplicate", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a folder or a bucket to search, or a file")
    parser.add_argument("--to", required=True, metavar="DEST", help="the folder of the archive, created if necessary")
    parser.add_argument("--workers", type=int, metavar="N", help="number of processes (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster: the address of its scheduler")
    parser.add_argument("--dry-run", action="store_true", help="list the checkpoints that are found, convert none")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral.fleet.discovery import discover

    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"invalid --workers {arguments.workers}; expected a number from 1 up.")
    if arguments.dry_run:
        checkpoints = discover(arguments.sources)
        lines = [f"{checkpoint.name}: {', '.join(checkpoint.paths)}" for checkpoint in checkpoints]
        listed = [asdict(checkpoint) for checkpoint in checkpoints]
        return Report({"archive": arguments.to, "written": False, "found": listed}, lines)
    summary = _archive(arguments)
    counts = {status: summary.count(status) for status in STATUSES}
    document: dict[str, Any] = {"archive": arguments.to, "written": True, **counts, "resumed": summary.resumed}
    document["entries"] = [asdict(entry) for entry in summary.entries]
    document["notes"] = list(summary.notes)
    exit_code = SourceError.exit_code if counts["failed"] else 0
    return Report(document, _lines(summary, arguments.to, counts), exit_code)


def _archive(arguments: argparse.Namespace) -> Summary:
    """Convert on local processes, or on the Dask cluster of ``--scheduler``."""
    from neutral.fleet import archive

    if arguments.scheduler is None:
        return archive(arguments.sources, arguments.to, workers=arguments.workers)
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UnsupportedError("--scheduler needs Dask: pip install 'neutral-weights[distributed]'.") from None
    with distributed.Client(arguments.scheduler) as client:
        return archive(arguments.sources, arguments.to, executor=client.get_executor(pure=False))


def _lines(summary: Summary, destination: str, counts: dict[str, int]) -> Iterator[str]:
    for entry in summary.entries:
        if entry.status == "failed":
            yield f"failed {entry.name}: {entry.error}"
    yield from (f"note: {note}" for note in summary.notes)
    parts = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    yield f"{plural(len(summary.entries), 'checkpoint')} in {destination}: {parts} ({summary.resumed:,} resumed)"
