"""Convert a checkpoint into a folder with a store, source code and weights, and verify them.

The folder appears when everything in it is written and verified, or not at all; of a migration that differs, only the
page is kept, as FOLDER-report.html. The values to compare with are those of --golden, of a golden file beside the
checkpoint that was recorded from it, or of the reference, which evaluates the store in NumPy. Only a golden file that
the original framework recorded proves that the checkpoint was read rightly; without one, the command that records it
is printed.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from neutral.cli.arrays import add_inputs
from neutral.cli.checkpoints import find_checkpoint
from neutral.cli.examples import add_input_shapes
from neutral.cli.migration import PAGE, Migration
from neutral.cli.migration_report import lines_of
from neutral.cli.outputs import require_replaceable
from neutral.cli.parts import Parts
from neutral.cli.sources import add_source
from neutral.cli.target import DEFAULT, add_target, target_writer
from neutral.errors import UnsupportedError

if TYPE_CHECKING:
    from neutral.cli.console import Console, Report

ONNX = "onnx"


class _DifferentError(Exception):
    """Abandon the folder of a migration whose verification failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral migrate``.

    Args:
        parser: The parser of the verb.
    """
    add_source(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="the folder; absent or empty")
    values = parser.add_mutually_exclusive_group()
    values.add_argument("--golden", metavar="FILE", help="the file that mxnet_capture.py recorded")
    values.add_argument("--reference", action="store_true", help="ignore golden files beside the checkpoint")
    add_inputs(parser)
    add_input_shapes(parser, "the shape of an input to verify with, if the graph does not know it; once for each input")
    parser.add_argument("--onnx", action="store_true", help="also write model.onnx")
    parser.add_argument("--class-name", metavar="NAME", help="the class of the module")
    add_target(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write and verify the folder.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The checkpoint, the files and the verification, with the exit code of VerificationError if a layer differs.
        ``page`` is the page that shows the verification.

    Raises:
        UsageError: If options contradict each other.
        SourceError: If there is not one checkpoint, or it is damaged.
        UnsupportedError: If a part of the network cannot be expressed exactly, or a package is missing.
        VerificationError: If the module cannot be run on the inputs.
        TargetError: If the folder has files in it, or cannot be written; a page of its name is not Neutral's.
    """
    from neutral.cli.console import Report
    from neutral.scratch import ScratchFolder
    from neutral.store.atomic import atomic_file
    from neutral.store.atomic_folder import atomic_folder, require_new_folder

    target = arguments.output.rstrip(os.sep) or os.sep
    kept = f"{target}-{PAGE}"
    require_new_folder(target)
    require_replaceable(kept)
    arguments.to = arguments.to or DEFAULT
    writer = target_writer(arguments, "emit")
    _require_onnx(arguments)
    sources, notes = find_checkpoint(arguments.source)
    document: dict[str, Any] = {}
    code = 0
    try:
        with ScratchFolder() as scratch, atomic_folder(target) as staging:
            parts = Parts(console, {str(staging): target, scratch: ""})
            document, code = Migration(arguments, parts, writer, sources, str(staging), scratch, notes).run()
            if code:
                with atomic_file(kept) as file:
                    file.write((staging / PAGE).read_bytes())
                raise _DifferentError
    except _DifferentError:
        document.update(written=False, files=[], example=[], page=kept)
    return Report(document, list(lines_of(document)), code)


def _require_onnx(arguments: argparse.Namespace) -> None:
    """Raise UnsupportedError if ``--onnx`` was given and no writer of ONNX files is there."""
    from neutral import plugins

    if not arguments.onnx:
        return
    known = plugins.names(plugins.WRITERS)
    if ONNX not in known:
        raise UnsupportedError(
            f"--onnx needs a writer named {ONNX!r} in {plugins.WRITERS}; those installed are {', '.join(known)}. Leave "
            "out --onnx, or install such a writer."
        )
    target_writer(argparse.Namespace(to=ONNX), "emit")
