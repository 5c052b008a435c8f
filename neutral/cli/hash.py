"""Print the SHA-256 of every tensor in the output format of sha256sum, computed from the stored bytes."""

from __future__ import annotations

import argparse
from typing import Iterator

from neutral.cli.console import Console, Report
from neutral.cli.sources import add_source, open_any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral hash``.

    Args:
        parser: The parser of the verb.
    """
    add_source(parser, "a store, a checkpoint or a state dict")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Compute the SHA-256 of every tensor's bytes.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The digests by key, sorted.

    Raises:
        SourceError: If the input cannot be read.
    """
    from neutral.store.digests import sha256

    with open_any(arguments.source, arguments.epoch) as store:
        digests = {key: sha256(store.tensors[key].chunks()) for key in sorted(store.tensors)}
    return Report({"source": arguments.source, "digests": digests}, _lines(digests))


def _lines(digests: dict[str, str]) -> Iterator[str]:
    for key, digest in digests.items():
        escaped = key.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        yield f"{'' if escaped == key else chr(92)}{digest}  {escaped}"
