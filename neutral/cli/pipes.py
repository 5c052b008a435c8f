"""``-`` as a file name: standard input for a file that is read, standard output for a store that is written."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from typing import IO, Iterator

from neutral.errors import SourceError, UsageError

INPUTS = ("store", "stores", "source", "sources", "first", "second", "weights")
"""The arguments of the verbs that name files to read."""

WRITING = ("export", "convert", "cast", "slice", "merge")
"""The verbs whose output is one store."""

SUFFIXES = ((b"\x89HDF", ".h5"), (b"\x1f\x8b", ".tar.gz"), (b"PK", ".zip"), (b"\x12\x01\0\0\0\0\0\0", ".params"))
"""First bytes of a file, and the suffix of files that begin so."""


@contextmanager
def piped(arguments: argparse.Namespace) -> Iterator[bool]:
    """Replace each ``-`` in the arguments by a temporary file while the block runs.

    Standard input is copied to a file before the block; the output is copied to standard output after it, unless it
    raised.

    Args:
        arguments: Parsed arguments; changed in place.

    Returns:
        Whether stdout takes the store, which leaves stderr for the report.

    Raises:
        UsageError: ``-`` stands for more than one input, or for an output that is not one store.
        SourceError: Standard input is empty.
    """
    reads = [name for name in INPUTS if "-" in _values(arguments, name)]
    writes = getattr(arguments, "output", None) == "-"
    if writes and arguments.verb not in WRITING:
        raise UsageError(f"-o -: {arguments.verb} writes more than one file; name a target.")
    if sum(_values(arguments, name).count("-") for name in reads) > 1:
        raise UsageError("-: standard input can be read once.")
    if not reads and not writes:
        yield False
        return
    with tempfile.TemporaryDirectory(prefix="neutral-") as folder:
        for name in reads:
            path = _spooled(sys.stdin.buffer, folder)
            value = getattr(arguments, name)
            setattr(arguments, name, [path if item == "-" else item for item in value] if value != "-" else path)
        target = os.path.join(folder, "output.safetensors")
        if writes:
            arguments.output = target
        yield writes
        if writes and os.path.exists(target):
            with open(target, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
            sys.stdout.flush()


def _values(arguments: argparse.Namespace, name: str) -> list[str]:
    value = getattr(arguments, name, None)
    return [value] if isinstance(value, str) else list(value or ())


def _spooled(stream: IO[bytes], folder: str) -> str:
    head = stream.read(8)
    if not head:
        raise SourceError("-: standard input is empty.")
    suffix = next((suffix for magic, suffix in SUFFIXES if head.startswith(magic)), None)
    if suffix is None:
        suffix = "-symbol.json" if head.lstrip()[:1] == b"{" else ".safetensors"
    path = os.path.join(folder, f"stdin{suffix}")
    with open(path, "wb") as file:
        file.write(head)
        shutil.copyfileobj(stream, file, 1 << 20)
    return path
