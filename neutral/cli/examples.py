"""The options ``--shape`` and ``--example``: the inputs on which a module runs or a graph is evaluated."""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING, Any, Mapping

from neutral.cli.arrays import read_file
from neutral.errors import UsageError
from neutral.text import suggestion

if TYPE_CHECKING:
    import numpy as np

    from neutral.store import Store

_MOST_ELEMENTS = 1 << 30


def add_example(parser: argparse.ArgumentParser) -> None:
    """Declare ``--shape`` and ``--example`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
    """
    group = parser.add_mutually_exclusive_group()
    add_input_shapes(
        group, "run the module on an input of this shape, to compare its dataflow with the store's; once for each input"
    )
    group.add_argument(
        "--example", metavar="FILE", help="run it on these inputs: FILE.npy, or with names FILE.npz or FILE.pt"
    )


def add_input_shapes(parser: argparse._ActionsContainer, text: str) -> None:
    """Declare ``--shape NAME=N,C,H,W`` on the parser of a verb, or on a group of its options.

    Args:
        parser: The parser or the group.
        text: The help of the option.
    """
    parser.add_argument("--shape", action="append", type=parse_shape, default=[], metavar="NAME=N,C,H,W", help=text)


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the shape of ``NAME=N,C,H,W``.

    Args:
        text: The value of one ``--shape``.

    Raises:
        ArgumentTypeError: The text is malformed, or a size is not positive.

    Example:
        >>> parse_shape("data=1,3,224,224")
        ('data', (1, 3, 224, 224))
    """
    name, _, sizes = text.rpartition("=")
    words = sizes.split(",")
    if not name or not all(word.isascii() and word.isdigit() and len(word) < 10 and int(word) for word in words):
        raise argparse.ArgumentTypeError(f"invalid shape {text!r}; expected for example data=1,3,224,224")
    shape = tuple(map(int, words))
    if math.prod(shape) > _MOST_ELEMENTS:
        raise argparse.ArgumentTypeError(f"invalid shape {text!r}; expected at most {_MOST_ELEMENTS:,} elements")
    return name, shape


def example_option(arguments: argparse.Namespace, store: Store) -> dict[str, tuple[np.ndarray, ...]]:
    """Return the keyword argument ``example`` of a writer's methods that ``--shape`` or ``--example`` describes.

    Args:
        arguments: Parsed arguments of :func:`add_example`.
        store: The store, whose graph names the inputs and may declare their dtypes.

    Returns:
        An array for each input, in the store's order: standard normal numbers, or zeros of an integer dtype. Empty
        without the options.

    Raises:
        UsageError: A name is not that of an input, or an input is left out.
        SourceError: The file cannot be read.
    """
    if arguments.example is not None:
        return {"example": _ordered(_read(arguments.example, store), store)}
    if not arguments.shape:
        return {}
    dtypes = {} if store.graph is None else {item.name: item.dtype for item in store.graph.inputs}
    return {"example": _ordered({name: _drawn(shape, dtypes.get(name)) for name, shape in arguments.shape}, store)}


def _drawn(shape: tuple[int, ...], dtype: str | None) -> np.ndarray:
    import numpy as np

    if dtype is not None and not dtype.startswith(("float", "bfloat")):
        return np.zeros(shape, dtype)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def _read(path: str, store: Store) -> dict[str, Any]:
    content = dict(read_file(path))
    if "" in content:
        inputs = [] if store.graph is None else [item.name for item in store.graph.inputs]
        content[inputs[0] if len(inputs) == 1 else os.path.basename(path)] = content.pop("")
    return content


def _ordered(values: Mapping[str, Any], store: Store) -> tuple[Any, ...]:
    if store.graph is None:
        return tuple(values.values())
    names = [item.name for item in store.graph.inputs]
    for name in values:
        if name not in names:
            known = ", ".join(names)
            raise UsageError(f"the store has no input {name!r}; its inputs are {known}.{suggestion(name, names)}")
    missing = [name for name in names if name not in values]
    if missing:
        raise UsageError(f"the inputs {', '.join(missing)} are left out: give --shape for each.")
    return tuple(values[name] for name in names)
