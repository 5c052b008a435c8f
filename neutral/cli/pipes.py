"""``-`` for a file: standard input where one is read, standard output where a store is written."""

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
"""What the verbs call the arguments that name what is read."""

WRITING = ("export", "convert", "cast", "slice", "merge")
"""The verbs whose output is one store."""

SUFFIXES = ((b"\x89HDF", ".h5"), (b"\x1f\x8b", ".tar.gz"), (b"PK", ".zip"), (b"\x12\x01\0\0\0\0\0\0", ".params"))
"""How what comes begins, and what a file of this kind is called."""


@contextmanager
def piped(arguments: argparse.Namespace) -> Iterator[bool]:
    """While the block runs, files stand for the ``-`` among the arguments; gives whether stdout takes the output.

    What is written for standard output goes there when the block has ended without an error.
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
