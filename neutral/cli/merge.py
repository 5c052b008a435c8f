"""Write the layers of several stores as one."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

from neutral.cli.console import Console, Report
from neutral.cli.sources import add_derived, open_any, save_derived


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral merge``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("stores", nargs="+", metavar="STORE", help="stores or checkpoints")
    parser.add_argument(
        "--prefix", action="append", default=[], help="put before the names of a store; once for each store, in order"
    )
    add_derived(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the layers of all stores as one store.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The layers and the files.

    Raises:
        UsageError: If the prefixes are not one for each store, or names of layers collide.
        TargetError: If the output cannot be written.
    """
    from neutral.edit import merge

    with ExitStack() as stack:
        stores = [stack.enter_context(open_any([path])) for path in arguments.stores]
        result = merge(stores, prefixes=arguments.prefix)
        document: dict[str, Any] = {"stores": arguments.stores, "layers": list(result.layers)}
        document["graph"] = result.graph is not None
        return Report(document, save_derived(result, arguments.stores, arguments, document, console))
