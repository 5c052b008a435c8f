"""``-`` as a file name: standard input for a file that is read, standard output for a store that is written."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any, Callable, Iterator, NamedTuple

from neutral.cli.console import Report
from neutral.cli.streams import binary, written_out
from neutral.errors import NeutralError, SourceError, TargetError, UsageError

INPUTS = ("store", "stores", "source", "sources", "first", "second", "weights")
"""The arguments of the verbs that name files to read."""

WRITING = ("export", "convert", "cast", "slice", "merge")
"""The verbs whose output is one store."""

NAMES = r"(stdin(\.tar\.gz|\.zip|\.params|\.h5|-symbol\.json|\.safetensors)|output\.safetensors)"
"""A pattern of the names of the temporary files."""

SUFFIXES = ((b"\x89HDF", ".h5"), (b"\x1f\x8b", ".tar.gz"), (b"PK", ".zip"), (b"\x12\x01\0\0\0\0\0\0", ".params"))
"""First bytes of a file, and the suffix of files that begin so."""


class Pipes(NamedTuple):
    """The standard streams in the place of files.

    Args:
        stdout_is_taken: Whether stdout takes the store, which leaves stderr for the report.
        named: Writes ``-`` for temporary files in a text.
        deliver: Copies the store to stdout, if it is for stdout.
    """

    stdout_is_taken: bool
    named: Callable[[str], str]
    deliver: Callable[[], None]

    def report(self, report: Report) -> Report:
        """Return a report in which temporary files are called ``-``.

        Args:
            report: The report of the command.

        Returns:
            A copy of the report.
        """
        return replace(report, document=mapped(report.document, self.named), lines=map(self.named, report.lines))


@contextmanager
def piped(arguments: argparse.Namespace) -> Iterator[Pipes]:
    """Replace each ``-`` in the arguments by a temporary file while the block runs.

    Standard input is copied to a file before the block; the output is copied to standard output by ``deliver``.

    Args:
        arguments: Parsed arguments; changed in place.

    Yields:
        The streams. Errors that leave the block name ``-`` too.

    Raises:
        UsageError: ``-`` stands for more than one input, or for an output that is not one store.
        SourceError: Standard input is empty or closed.
        TargetError: Standard output is to take the store, and is closed or cannot be written.
    """
    reads = [name for name in INPUTS if "-" in values(arguments, name)]
    writes = getattr(arguments, "output", None) == "-"
    if writes and arguments.verb not in WRITING:
        raise UsageError(f"-o -: {arguments.verb} writes more than one file; name a target.")
    if sum(values(arguments, name).count("-") for name in reads) > 1:
        raise UsageError("-: standard input can be read once.")
    if not reads and not writes:
        yield Pipes(False, str, lambda: None)
        return
    if reads:
        stdin = binary(sys.stdin, SourceError("-: standard input is closed; name a file."))
    if writes:
        stdout = binary(sys.stdout, TargetError("-o -: standard output is closed; name a file."))
    import shutil

    from neutral.scratch import ScratchFolder

    with ScratchFolder() as folder:
        for name in reads:
            path = _spooled(stdin, folder)
            value = getattr(arguments, name)
            setattr(arguments, name, [path if item == "-" else item for item in value] if value != "-" else path)
        target = os.path.join(folder, "output.safetensors")
        if writes:
            arguments.output = target

        def named(text: str) -> str:
            return text if folder not in text else re.sub(re.escape(folder + os.sep) + NAMES, "-", text)

        def deliver() -> None:
            if writes and os.path.exists(target):
                with open(target, "rb") as file, written_out():
                    shutil.copyfileobj(file, stdout, 1 << 20)

        try:
            yield Pipes(writes, named, deliver)
        except NeutralError as error:
            error.args = mapped(error.args, named)
            raise


def mapped(value: Any, function: Callable[[str], str]) -> Any:
    """Apply a function to every string in dictionaries, lists and tuples.

    Args:
        value: Any value; other types are returned as they are.
        function: The function.

    Returns:
        A value of the same types.

    Example:
        >>> mapped({"a": ["b", 1]}, str.upper)
        {'a': ['B', 1]}
    """
    if isinstance(value, str):
        return function(value)
    if isinstance(value, dict):
        return {key: mapped(item, function) for key, item in value.items()}
    return type(value)(mapped(item, function) for item in value) if type(value) in (list, tuple) else value


def values(arguments: argparse.Namespace, name: str) -> list[str]:
    """Return the values of an argument as a list.

    Args:
        arguments: Parsed arguments.
        name: The argument; it may be absent, a text or a list of texts.

    Example:
        >>> values(argparse.Namespace(store="a", stores=["b", "c"]), "store")
        ['a']
    """
    value = getattr(arguments, name, None)
    return [value] if isinstance(value, str) else list(value or ())


def _spooled(stream: IO[bytes], folder: str) -> str:
    head = stream.read(8)
    if not head:
        raise SourceError("-: standard input is empty.")
    suffix = next((suffix for magic, suffix in SUFFIXES if head.startswith(magic)), None)
    if suffix is None:
        suffix = "-symbol.json" if head.lstrip()[:1] == b"{" else ".safetensors"
    import shutil

    path = os.path.join(folder, f"stdin{suffix}")
    with open(path, "wb") as file:
        file.write(head)
        shutil.copyfileobj(stream, file, 1 << 20)
    return path
