"""The arguments of the verbs that evaluate a graph: a store, and arrays for the inputs of its graph."""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, NamedTuple, Sequence

from neutral.cli.sources import open_any
from neutral.errors import NeutralError, SourceError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from neutral.cli.console import Console
    from neutral.store import Store

TENSOR_SUFFIXES = (".pt", ".pth")
"""Suffixes of files that PyTorch wrote, of which tensors by name are read."""

_MAGIC = (b"\x93NUMPY", b"PK")


class Evaluation(NamedTuple):
    """The opened arguments of a verb that evaluates a graph.

    Attributes:
        store: The store, which is valid and has a graph.
        inputs: The arrays of ``--input`` by name of input.
        progress: A function to call with the nodes done and the nodes in all; None without a progress bar.
    """

    store: Store
    inputs: dict[str, np.ndarray]
    progress: Callable[[int, int], None] | None


@contextmanager
def opened_evaluation(arguments: argparse.Namespace, console: Console, suffix: str) -> Iterator[Evaluation]:
    """Check the output, read the inputs and open the store of a verb that evaluates a graph.

    Args:
        arguments: The parsed arguments: the verb, the options of :func:`add_evaluated`, and the output.
        console: The output, for the progress bar.
        suffix: The suffix that the output has to have.

    Yields:
        The store, which is closed afterwards, and the inputs.

    Raises:
        UsageError: If the output has another suffix or is one of the inputs, or the store has no graph.
        SourceError: If a file cannot be read.
        StoreError: If the store is not valid.
    """
    if not arguments.output.endswith(suffix):
        raise UsageError(f"{arguments.output}: unknown suffix; expected {suffix}.")
    inputs = read_inputs(arguments.arrays)
    with open_any([arguments.store]) as store, console.progress(arguments.verb, unit="node") as progress:
        require_runnable(store, arguments.store)
        yield Evaluation(store, inputs, progress)


def add_evaluated(parser: argparse.ArgumentParser) -> None:
    """Declare ``STORE`` and ``--input`` on the parser of a verb that evaluates a graph.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    add_inputs(parser)


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Declare ``--precision`` on the parser of a verb that evaluates a graph.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("--precision", choices=("float32", "float64"), help="compute everything floating in this dtype")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Declare ``--input`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "--input",
        dest="arrays",
        action="append",
        type=_named_file,
        default=[],
        metavar="NAME=FILE.npy",
        help="the array of an input, once for each input; or FILE.npz with the names of the inputs",
    )


def require_runnable(store: Store, path: str) -> None:
    """Check that a store is valid and has a graph.

    Args:
        store: The store.
        path: The name of the store for messages.

    Raises:
        StoreError: If the store is not valid.
        UsageError: If it has no graph.
    """
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


def read_inputs(files: Sequence[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Read the arrays of all inputs.

    Args:
        files: The values of ``--input``.

    Returns:
        The arrays by name of input.

    Raises:
        UsageError: If an input is given twice.
        SourceError: If a file cannot be read.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, path in files:
        for key, array in _read(name, path).items():
            if key in arrays:
                raise UsageError(f"input {key!r} is given twice; expected each once.")
            arrays[key] = array
    return arrays


def _read(name: str, path: str) -> Mapping[str, Any]:
    content = read_file(path)
    if "" in content:
        return {name or os.path.basename(path): content[""]}
    if name and len(content) != 1:
        raise SourceError(f"{path}: has {len(content)} arrays; expected one, for input {name!r}.")
    return {name or key: array for key, array in content.items()}


def read_file(path: str) -> Mapping[str, np.ndarray]:
    """Read the arrays of a file.

    Args:
        path: A ``.npy`` or ``.npz`` file, or a ``.pt`` or ``.pth`` file that holds tensors by name.

    Returns:
        The arrays by name; the one of a ``.npy`` file has an empty name.

    Raises:
        SourceError: If the file cannot be read.
        UnsupportedError: If PyTorch is needed for its own files and is not installed.

    Example:
        >>> import tempfile, numpy as np
        >>> with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        ...     np.savez(file.name, data=np.zeros((1, 3)))
        ...     {name: array.shape for name, array in read_file(file.name).items()}
        {'data': (1, 3)}
    """
    import numpy as np

    if path.endswith(TENSOR_SUFFIXES):
        with open_any([path]) as store:
            names = {key: layer.name for layer in store.layers.values() for key in layer.tensors.values()}
            return {names.get(key, key): tensor.numpy() for key, tensor in store.tensors.items()}
    try:
        with open(path, "rb") as file:
            if not file.read(len(_MAGIC[0])).startswith(_MAGIC):
                raise SourceError(f"{path}: cannot be read as .npy or .npz: its first bytes are those of another kind.")
            file.seek(0)
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"": content}
            return {key: np.asarray(content[key]) for key in content.files}
    except NeutralError:
        raise
    except Exception as error:  # those of zip, zlib and NumPy on damaged files have no common class
        raise SourceError(f"{path}: cannot be read as .npy or .npz: {error or type(error).__name__}.") from error
