"""Convert every checkpoint below some folders, and write a catalogue of the results.

Run the same command again to resume: checkpoints that the journal in the destination lists are not converted again.
Other sources are added: a name stays with the files that first got it, others get a number. A checkpoint that cannot be
converted does not stop the others; the exit code is then 3. Files that are not checkpoints are listed with the reason.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral.cli.console import Console, Report, indented, plural
from neutral.errors import SourceError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from neutral.fleet import Summary
    from neutral.fleet.discovery import PassedOver

OTHER = "of another kind"
"""The reason of :mod:`neutral.fleet.discovery` for files that no reader knows: these are counted by suffix."""

MAX_SHOWN = 5
"""How many files passed over for one reason are shown; ``--json`` has all."""

STATUSES = ("converted", "duplicate", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral archive``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a folder or a bucket to search, or a file")
    parser.add_argument("--to", required=True, metavar="DEST", help="the folder of the archive, created if necessary")
    parser.add_argument("--workers", type=int, metavar="N", help="number of processes (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster: the address of its scheduler")
    parser.add_argument("--dry-run", action="store_true", help="list the checkpoints that are found, convert none")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Convert the checkpoints of the sources, or list them for ``--dry-run``.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The counts and the failures; if a checkpoint failed, with the exit code of SourceError.

    Raises:
        UsageError: If ``--workers`` is not a positive number.
        SourceError: If a source does not exist.
        UnsupportedError: If ``--scheduler`` is given and Dask is missing.
        TargetError: If the archive cannot be written.
    """
    from neutral.fleet.discovery import search

    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"invalid --workers {arguments.workers}; expected a number from 1 up.")
    if arguments.dry_run:
        discovery = search(arguments.sources, leave_out=arguments.to)
        lines = [f"{checkpoint.name}: {', '.join(checkpoint.paths)}" for checkpoint in discovery.checkpoints]
        lines += _passed_over(discovery.passed_over)
        document: dict[str, Any] = {"archive": arguments.to, "written": False}
        document["found"] = [asdict(checkpoint) for checkpoint in discovery.checkpoints]
        document["passed_over"] = [item._asdict() for item in discovery.passed_over]
        return Report(document, lines)
    summary = _archive(arguments)
    counts = {status: sum(entry.status == status for entry in summary.run_entries) for status in STATUSES}
    document = {"archive": arguments.to, "written": True, **counts, "resumed": summary.resumed}
    document["run"] = sorted(summary.run)
    document["entries"] = [asdict(entry) for entry in summary.entries]
    document["passed_over"] = [item._asdict() for item in summary.passed_over]
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
        raise UnsupportedError("--scheduler needs Dask: pip install distributed.") from None
    with distributed.Client(arguments.scheduler) as client:
        return archive(arguments.sources, arguments.to, executor=client.get_executor(pure=False))


def _lines(summary: Summary, destination: str, counts: dict[str, int]) -> Iterator[str]:
    for entry in summary.run_entries:
        if entry.status == "failed":
            yield from indented(f"failed {entry.name}: {entry.error}")
    yield from _passed_over(summary.passed_over)
    yield from (f"note: {note}" for note in summary.notes)
    parts = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    line = f"{plural(len(summary.run), 'checkpoint')} in {destination}: {parts} ({summary.resumed:,} resumed)"
    others = len(summary.entries) - len(summary.run)
    yield line + (f"; {others:,} other entries of earlier runs" if others else "")


def _passed_over(items: Sequence[PassedOver]) -> Iterator[str]:
    """Yield a line for each reason for passing over files: the first names, or how many there are of each suffix."""
    paths: dict[str, list[str]] = {}
    for item in items:
        paths.setdefault(item.reason, []).append(item.path)
    for reason, members in sorted(paths.items(), key=lambda pair: pair[0] == OTHER):
        if reason == OTHER:
            suffixes = Counter(os.path.splitext(path)[1].lower() or "no suffix" for path in members)
            details = [f"{suffix} {count:,}" for suffix, count in suffixes.most_common(MAX_SHOWN)]
            rest = len(suffixes) - len(details)
        else:
            details, rest = members[:MAX_SHOWN], len(members) - MAX_SHOWN
        more = f", and {rest:,} more" if rest > 0 else ""
        yield f"passed over {plural(len(members), 'file')}, {reason}: {', '.join(details)}{more}"
