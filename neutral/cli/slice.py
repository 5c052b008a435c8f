"""Write some layers of a store: those named, or those that one node of the graph depends on (a backbone)."""

from __future__ import annotations

import argparse
from typing import Any

from neutral.cli.console import Console, Report
from neutral.cli.sources import add_derived, open_any, save_derived
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral slice``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    parser.add_argument("layers", nargs="*", metavar="PATTERN", help="names of layers; shell patterns")
    parser.add_argument("--until", metavar="NODE", help="end the graph after this node")
    add_derived(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the chosen layers as a store.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The layers and the files.

    Raises:
        UsageError: If neither layers nor ``--until`` are given, or a name is unknown.
        TargetError: If the output cannot be written.
    """
    from neutral.edit import slice_layers

    if not arguments.layers and arguments.until is None:
        raise UsageError("nothing to do: pass names of layers, or --until NODE.")
    with open_any([arguments.store]) as store:
        result = slice_layers(store, arguments.layers, output=arguments.until)
        document: dict[str, Any] = {"store": arguments.store, "layers": list(result.layers)}
        document["graph"] = result.graph is not None
        return Report(document, save_derived(result, [arguments.store], arguments, document, console))
