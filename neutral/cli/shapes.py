"""The options that fix the shapes of a model's inputs: ``--shape NAME=DIMS`` and ``--batch N``."""

from __future__ import annotations

import argparse


def add_shapes(parser: argparse.ArgumentParser) -> None:
    """Declare ``--batch`` and ``--shape``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("--batch", type=_extent, metavar="N", help="fix the first axis of every input")
    parser.add_argument(
        "--shape",
        type=_shape,
        action="append",
        metavar="NAME=DIMS",
        help="fix the shape of an input, such as data=1,3,224,224; -1 leaves an axis as it is, 0 frees it (repeatable)",
    )


def _extent(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"invalid extent {text!r}; expected an integer, 1 or larger")
    return int(text)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, equals, dims = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in dims.split(",")) if dims else ()
    except ValueError:
        shape = (-2,)
    if not equals or not name or any(size < -1 for size in shape):
        raise argparse.ArgumentTypeError(f"invalid shape {text!r}; expected NAME=DIMS, such as data=1,3,224,224")
    return name, shape
