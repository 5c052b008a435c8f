"""The options ``--golden`` and ``--reference``: values with which a module is compared."""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator

from neutral.cli.arrays import add_inputs, read_inputs, require_runnable
from neutral.cli.console import Console
from neutral.cli.examples import example_option
from neutral.errors import UsageError

if TYPE_CHECKING:
    from neutral.store import Store


def add_evidence(parser: argparse.ArgumentParser, required: bool, purpose: str) -> None:
    """Declare ``--golden``, ``--reference`` and ``--input`` on the parser of a verb.

    Args:
        parser: The parser of the verb, which has the options of :func:`neutral.cli.examples.add_example` too.
        required: Whether one of both must be given.
        purpose: The use that the verb makes of the values, an imperative.
    """
    values = parser.add_mutually_exclusive_group(required=required)
    values.add_argument(
        "--golden", metavar="FILE", help=f"{purpose} the values that mxnet_capture.py or `neutral golden` recorded"
    )
    values.add_argument(
        "--reference",
        action="store_true",
        help=f"{purpose} values that are computed from the store in NumPy, on the inputs of --input, --shape or "
        "--example, or on drawn ones in the shapes of the graph; they prove the writer, not the reader",
    )
    add_inputs(parser)


@contextmanager
def golden_file(store: Store, arguments: argparse.Namespace, console: Console) -> Iterator[str | None]:
    """Return the golden file for a block; with ``--reference``, a temporary one that is computed from the store.

    Args:
        store: The store.
        arguments: Parsed arguments of :func:`add_evidence`.
        console: The output, for a progress bar.

    Returns:
        The path, None without either option.

    Raises:
        UsageError: If inputs are given in two ways, or without ``--reference``, or their shapes are unknown.
        UnsupportedError: If an operator cannot be evaluated.
    """
    if arguments.arrays and not arguments.reference:
        raise UsageError("--input gives the inputs of --reference; a golden file has inputs of its own.")
    if not arguments.reference:
        yield arguments.golden
        return
    from neutral import reference
    from neutral.scratch import ScratchFolder

    require_runnable(store, arguments.store)
    assert store.graph is not None
    given = read_inputs(arguments.arrays)
    if given and (arguments.example or arguments.shape):
        raise UsageError("both --input and --shape or --example give inputs: give one of them.")
    if arguments.example:
        names = (item.name for item in store.graph.inputs)
        given = dict(zip(names, example_option(arguments, store)["example"]))
    inputs, notes = reference.draw_inputs(store, given, dict(arguments.shape))
    with ScratchFolder() as folder, console.progress("reference", unit="node") as progress:
        path = os.path.join(folder, "reference.safetensors")
        reference.record(store, inputs, path, drawn=len(given) < len(inputs), notes=notes, progress=progress)
        yield path
