"""Write a store with its floating tensors in another dtype, and report the error of each tensor."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from neutral.cli.console import Console, Report
from neutral.cli.sources import add_derived, open_any, save_derived

DTYPES = ("float16", "bfloat16", "float32", "float64")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral cast``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    parser.add_argument("--to", required=True, choices=DTYPES, metavar="DTYPE", help=", ".join(DTYPES))
    parser.add_argument(
        "--keep", action="append", default=[], metavar="PATTERN", help="tensors that keep their dtype; may be repeated"
    )
    add_derived(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the store in another dtype.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The files and the errors of each tensor that was cast.

    Raises:
        UsageError: If the output has an unknown suffix.
        TargetError: If it cannot be written.
    """
    from neutral.edit import cast, cast_errors
    from neutral.text import table_lines

    with open_any([arguments.store]) as store:
        result = cast(store, arguments.to, keep=arguments.keep)
        document: dict[str, Any] = {"store": arguments.store, "dtype": arguments.to}
        document["errors"] = [asdict(error) for error in cast_errors(store, result)]
        lines = save_derived(result, [arguments.store], arguments, document, console)
    rows = [
        (e["key"], f"{e['elements']:,}", f"{e['maximum']:.3g}", f"{e['norm']:.3g}", e["overflows"], e["underflows"])
        for e in document["errors"]
    ]
    head = ("tensor", "elements", "largest error", "relative norm", "overflows", "to zero")
    cells = [tuple(map(str, row)) for row in rows]
    spare = ("elements", "relative norm")
    rows_text = table_lines(head, lambda: cells, head[1:], console.width, spare) if cells else ()
    return Report(document, [*lines, *rows_text])
