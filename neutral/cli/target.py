"""The ``--to`` option: the framework whose writer a command uses."""

from __future__ import annotations

import argparse
import os
from typing import Any

DEFAULT = "torch"

OF_SUFFIX = {".onnx": "onnx"}
"""The writer of output files with a suffix, if ``--to`` names none."""


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare ``--to NAME`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "--to",
        metavar="NAME",
        help="the target framework: a writer registered in neutral.writers (default: onnx for files that end with "
        f".onnx, else {DEFAULT})",
    )


def target_writer(arguments: argparse.Namespace, *methods: str, path: str = "") -> Any:
    """Return the writer that ``--to`` names, or that of a file's suffix.

    Args:
        arguments: Parsed arguments with ``to``.
        methods: Methods of :class:`neutral.plugins.Writer` that the command is going to call.
        path: The file that the writer writes or reads.

    Returns:
        The writer, whose framework is installed.

    Raises:
        UsageError: The name is not registered, or the writer lacks one of the methods.
        UnsupportedError: The framework is not installed.
    """
    from neutral import plugins

    name = arguments.to or OF_SUFFIX.get(os.path.splitext(path)[1], DEFAULT)
    writer = plugins.load(plugins.WRITERS, name)
    plugins.require(writer, *methods)
    if hasattr(writer, "require_installed"):
        writer.require_installed()
    return writer
