"""The ``--to`` option: the framework whose writer a command uses."""

from __future__ import annotations

import argparse
from typing import Any

DEFAULT = "torch"


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare ``--to NAME`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "--to",
        default=DEFAULT,
        metavar="NAME",
        help="the target framework: a writer registered in neutral.writers (default: %(default)s)",
    )


def target_writer(arguments: argparse.Namespace, *methods: str) -> Any:
    """Return the writer that ``--to`` names.

    Args:
        arguments: Parsed arguments with ``to``.
        methods: Methods of :class:`neutral.plugins.Writer` that the command is going to call.

    Returns:
        The writer, whose framework is installed.

    Raises:
        UsageError: The name is not registered, or the writer lacks one of the methods.
        UnsupportedError: The framework is not installed.
    """
    from neutral import plugins

    writer = plugins.load(plugins.WRITERS, arguments.to)
    plugins.require(writer, *methods)
    if hasattr(writer, "require_installed"):
        writer.require_installed()
    return writer
