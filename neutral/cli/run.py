"""Evaluate a store's graph in NumPy alone and write its outputs, as the store says that the model computes them.

No framework is needed and none is imported; it is slow. The outputs are those of the graph, or the nodes that --output
and --until name, in a .npz archive under the names of the nodes.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Mapping

from neutral.cli.arrays import add_evaluated, add_precision, opened_evaluation
from neutral.cli.console import Console, Report, plural
from neutral.cli.outputs import add_replacing

if TYPE_CHECKING:
    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral run``.

    Args:
        parser: The parser of the verb.
    """
    add_evaluated(parser)
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.npz", help="the file of the outputs")
    parser.add_argument(
        "--output",
        dest="nodes",
        action="append",
        metavar="NODE",
        help="write this node (NODE:k for its output k) in place of the graph's outputs; may be repeated",
    )
    parser.add_argument("--until", metavar="NODE", help="end the graph after this node, and write its outputs")
    add_precision(parser)
    parser.add_argument(
        "--batch",
        type=_count,
        metavar="N",
        help="compute N samples (the first axis of every input) at a time and join the outputs: less memory",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the seed of random operators")
    add_replacing(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Evaluate the graph and write the outputs.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The name, shape and dtype of every output.

    Raises:
        UsageError: If an input or a node is unknown or missing.
        SourceError: If a file cannot be read.
        MismatchError: If an input does not have the declared shape and dtype.
        UnsupportedError: If an operator cannot be evaluated.
        TargetError: If the output cannot be written.
    """
    from neutral import reference

    with opened_evaluation(arguments, console, ".npz") as (store, inputs, progress):
        versions = store.source_versions()
        choice = (arguments.nodes, arguments.until, arguments.precision)
        options = {"seed": arguments.seed, "progress": progress}
        if arguments.batch is None:
            outputs = reference.run(store, inputs, *choice, **options)
        else:
            outputs = reference.run_in_batches(store, inputs, arguments.batch, *choice, **options)
        versions.check()
    _save(arguments.output, outputs)
    rows = _descriptions(outputs)
    document = {
        "store": arguments.store,
        "inputs": _descriptions(inputs),
        "output": arguments.output,
        "precision": arguments.precision,
        "batch": arguments.batch,
        "outputs": rows,
    }
    lines = [f"{row['name']}: {row['dtype']} {tuple(row['shape'])}" for row in rows]
    return Report(document, [*lines, f"wrote {arguments.output}: {plural(len(rows), 'array')}"])


def _descriptions(arrays: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": list(array.shape), "dtype": str(array.dtype)} for name, array in arrays.items()]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"invalid number of samples {text!r}; expected 1 or more")
    return int(text)


def _save(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an archive; ``numpy.savez`` cannot hold every name."""
    from zipfile import ZipFile

    import numpy as np

    from neutral.store.atomic import atomic_file
    from neutral.store.own_files import ZIP_COMMENT

    with atomic_file(path) as file, ZipFile(file, "w") as archive:
        archive.comment = ZIP_COMMENT
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
