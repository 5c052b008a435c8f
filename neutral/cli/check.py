"""Check the structure of stores, and with --data their digests.

Without --data, the header, the manifest, the layers, the graph and the position of every byte are checked. With --data,
every tensor is read, and its SHA-256 and that of every source file are compared with those recorded. A checkpoint is
checked as the store that `export` would write.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Iterator

from neutral.cli.console import Console, Report, byte_size, plural
from neutral.cli.sources import is_store, open_any
from neutral.errors import NeutralError, StoreError

if TYPE_CHECKING:
    from neutral.store.check import CheckReport
    from neutral.store.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral check``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("stores", nargs="+", metavar="STORE", help="stores, or checkpoints")
    parser.add_argument("--data", action="store_true", help="read every tensor and compare its digest")


def check_checkpoint(path: str, data: bool, progress: Progress | None) -> CheckReport:
    """Check a checkpoint as `export` would store it.

    Args:
        path: The prefix or the file of the checkpoint.
        data: Read every tensor, too.
        progress: A callback that gets the bytes done and the bytes in all.

    Returns:
        The problems and the counts.

    Raises:
        SourceError: If the checkpoint cannot be read.
    """
    from neutral.store.check import CheckReport
    from neutral.store.progress import ByteCounter
    from neutral.store.structure import structure_problems

    with open_any([path]) as store:
        problems = tuple(structure_problems(store))
        counter = ByteCounter(store.nbytes, progress)
        for tensor in store.tensors.values() if data else ():
            for _ in counter.pass_through(tensor.chunks()):
                pass
        files = () if store.source is None else store.source.files
        return CheckReport(path, data, problems, len(store.layers), len(store.tensors), len(files), store.nbytes)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Check each store; an error of one does not end the command.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The problems of each store, and the largest exit code of them; 0 if all are sound.
    """
    from neutral.store.check import CheckReport, check

    reports, exit_code = [], 0
    for path in arguments.stores:
        try:
            with console.progress(f"check {path}") as progress:
                checked = check if is_store(path) else check_checkpoint
                report = checked(path, data=arguments.data, progress=progress)
            code = 0 if report.ok else StoreError.exit_code
        except NeutralError as error:  # check the remaining stores all the same
            report, code = CheckReport(path, arguments.data, (str(error),)), error.exit_code
        reports.append(report)
        exit_code = max(exit_code, code)

    def lines() -> Iterator[str]:
        for report in reports:
            if report.ok:
                scope = "structure and data" if report.data else "structure"
                counts = (
                    f"{plural(report.layers, 'layer')}, {plural(report.tensors, 'tensor')}, {byte_size(report.nbytes)}"
                )
                yield f"{report.path}: sound ({scope}; {counts})"
            else:
                yield f"{report.path}: {plural(len(report.problems), 'problem')}"
                yield from (f"  - {problem}" for problem in report.problems)

    stores = [
        {
            "path": report.path,
            "ok": report.ok,
            "problems": report.problems,
            "layers": report.layers,
            "tensors": report.tensors,
            "files": report.files,
            "bytes": report.nbytes,
        }
        for report in reports
    ]
    return Report({"data": arguments.data, "stores": stores}, lines(), exit_code)
