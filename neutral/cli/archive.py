"""Convert every checkpoint below some folders, and write a catalogue of what was done.

Run it again to resume: what the journal in the destination has is not converted again. A checkpoint that cannot be
converted stops no other; the exit code is then 3.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Iterator

from neutral.cli.console import Console, Report, plural
from neutral.errors import SourceError, UnsupportedError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a folder or a bucket that is searched, or a file")
    parser.add_argument("--to", required=True, metavar="DEST", help="the folder of the archive; made if need be")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster: the address of its scheduler")
    parser.add_argument("--dry-run", action="store_true", help="say which checkpoints were found, convert none")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral.fleet.archive import archive
    from neutral.fleet.discovery import discover

    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError("--workers is 1 at least.")
    if arguments.dry_run:
        found = discover(arguments.sources)
        listed = [asdict(checkpoint) for checkpoint in found]
        lines = [f"{c.name}: {', '.join(c.paths)}" for c in found]
        return Report({"archive": arguments.to, "written": False, "found": listed}, lines)
    if arguments.scheduler is None:
        summary = archive(arguments.sources, arguments.to, workers=arguments.workers)
    else:
        try:
            from distributed import Client
        except ImportError:
            raise UnsupportedError("--scheduler needs Dask: pip install 'neutral-weights[distributed]'.") from None
        with Client(arguments.scheduler) as client:
            summary = archive(arguments.sources, arguments.to, executor=client.get_executor(pure=False))
    counts = {status: summary.count(status) for status in ("converted", "duplicate", "failed")}

    def lines_of_summary() -> Iterator[str]:
        for entry in summary.entries:
            if entry.status == "failed":
                yield f"failed {entry.name}: {entry.error}"
        parts = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        yield from (f"note: {note}" for note in summary.notes)
        yield f"{plural(len(summary.entries), 'checkpoint')} in {arguments.to}: {parts} ({summary.resumed:,} resumed)"

    entries = [asdict(entry) for entry in summary.entries]
    document = {"archive": arguments.to, "written": True, **counts, "resumed": summary.resumed, "entries": entries}
    document["notes"] = list(summary.notes)
    return Report(document, lines_of_summary(), SourceError.exit_code if counts["failed"] else 0)
