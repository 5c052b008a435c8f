"""Evaluate a store's graph in NumPy alone and write its outputs: what the store says that the model computes.

No framework is needed and none is imported; it is slow. The outputs are those of the graph, or the nodes that --output
and --until name, in a .npz archive under the names of the nodes.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Mapping

from neutral.cli.console import Console, Report, plural
from neutral.cli.outputs import add_replacing, refuse_replacing
from neutral.cli.sources import open_any
from neutral.errors import SourceError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from neutral.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral run``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    parser.add_argument(
        "--input",
        action="append",
        type=_named_file,
        default=[],
        metavar="NAME=FILE.npy",
        help="the array of an input, once for each input; or FILE.npz with the names of the inputs",
    )
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.npz", help="the file of the outputs")
    parser.add_argument(
        "--output",
        dest="nodes",
        action="append",
        metavar="NODE",
        help="write this node (NODE:k for its output k) in place of the graph's outputs; may be repeated",
    )
    parser.add_argument("--until", metavar="NODE", help="end the graph after this node, and write its outputs")
    parser.add_argument("--precision", choices=("float32", "float64"), help="compute everything floating in this dtype")
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

    if not arguments.output.endswith(".npz"):
        raise UsageError(f"{arguments.output}: unknown suffix; expected .npz.")
    refuse_replacing(arguments.output, [path for _, path in arguments.input])
    inputs = _inputs(arguments.input)
    with open_any([arguments.store]) as store, console.progress("run", unit="node") as progress:
        _require_runnable(store, arguments.store)
        outputs = reference.run(
            store,
            inputs,
            arguments.nodes,
            arguments.until,
            arguments.precision,
            seed=arguments.seed,
            progress=progress,
        )
    _save(arguments.output, outputs)
    rows = [{"name": name, "shape": list(array.shape), "dtype": str(array.dtype)} for name, array in outputs.items()]
    document = {
        "store": arguments.store,
        "inputs": [
            {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)} for name, array in inputs.items()
        ],
        "output": arguments.output,
        "precision": arguments.precision,
        "outputs": rows,
    }
    lines = [f"{row['name']}: {row['dtype']} {tuple(row['shape'])}" for row in rows]
    return Report(document, [*lines, f"wrote {arguments.output}: {plural(len(rows), 'array')}"])


def _require_runnable(store: Store, path: str) -> None:
    from neutral.store.structure import require_valid

    require_valid(store)
    if store.graph is None:
        raise UsageError(f"{path} has no graph, only layers: there is nothing to run.")


def _named_file(text: str) -> tuple[str, str]:
    """Return the name of an input, empty for all of an archive, and the file."""
    name, equals, path = text.partition("=")
    if equals and name and path:
        return name, path
    if not equals and text.endswith(".npz"):
        return "", text
    raise argparse.ArgumentTypeError(f"invalid input {text!r}; expected NAME=FILE.npy, or FILE.npz")


def _inputs(files: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Read the arrays of all inputs."""
    arrays: dict[str, np.ndarray] = {}
    for name, path in files:
        for key, array in _read(name, path).items():
            if key in arrays:
                raise UsageError(f"input {key!r} is given twice.")
            arrays[key] = array
    return arrays


def _read(name: str, path: str) -> Mapping[str, Any]:
    import numpy as np

    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {name or os.path.basename(path): content}
        with content:
            if not name:
                return {key: content[key] for key in content.files}
            if len(content.files) != 1:
                raise SourceError(f"{path}: has {len(content.files)} arrays; expected one, for input {name!r}.")
            return {name: content[content.files[0]]}
    except (OSError, ValueError, EOFError) as error:
        raise SourceError(f"{path}: cannot be read as .npy or .npz: {error}.") from error


def _save(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an archive; ``numpy.savez`` cannot hold every name."""
    from zipfile import ZipFile

    import numpy as np

    from neutral.store.atomic import atomic_file

    with atomic_file(path) as file, ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
