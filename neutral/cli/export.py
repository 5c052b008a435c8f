"""Write a checkpoint as a neutral store.

The store is written atomically: an existing file is replaced only when the new one is complete and on the disk, and a
failed run leaves it unchanged.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Mapping

from neutral.cli.console import Console, Report, byte_size, plural
from neutral.cli.factory import add_factory, importable, make
from neutral.cli.graph_advice import graph_advice
from neutral.cli.outputs import add_replacing, refuse_replacing
from neutral.cli.sources import add_source, has_weights, notes_on_partner, read_source, with_partner
from neutral.errors import SourceError, UsageError
from neutral.gc_pause import gc_paused
from neutral.text import listed

if TYPE_CHECKING:
    from neutral.store import Store

MAX_NAMED = 5
"""Tensors that a note names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral export``.

    Args:
        parser: The parser of the verb.
    """
    add_source(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the store; FILE.safetensors")
    add_factory(parser, required=False, text="for a state dict: the class or function that makes its module")
    parser.add_argument("--no-digests", action="store_true", help="leave out the SHA-256 of every tensor and file")
    parser.add_argument(
        "--input",
        action="append",
        metavar="NAME",
        help="an array or variable that is an input of the graph, such as a saved batch",
    )
    parser.add_argument(
        "--dtype",
        action="append",
        metavar="NAME=DTYPE",
        help="the dtype of an input that the symbol does not declare, such as data=int32",
    )
    parser.add_argument("--graph-only", action="store_true", help="write a symbol's graph without parameters")
    parser.add_argument("--dry-run", action="store_true", help="read and convert the structure, write nothing")
    add_replacing(parser)


@gc_paused()  # the only model lives until the command ends: nothing to collect
def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the checkpoint as a store.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The counts, the size in bytes and the notes on the store.

    Raises:
        UsageError: If the output has an unknown suffix or is one of the sources.
        SourceError: If the checkpoint is damaged, or is a graph without weights and ``--graph-only`` is not given.
        UnsupportedError: If it cannot be expressed exactly.
        TargetError: If the store cannot be written.
    """
    from neutral.store.containers import container_for
    from neutral.store.nonfinite import NonfiniteCounter

    target = arguments.output
    container_for(target)  # refuse an unknown suffix before anything is read
    sources = arguments.source if arguments.graph_only else with_partner(arguments.source, arguments.epoch)
    beside = notes_on_partner(arguments.source, sources)
    refuse_replacing(target, sources)
    with read_source(sources, arguments.epoch, **_options(arguments)) as checkpoint:
        _require_weights(checkpoint, arguments)
        store = checkpoint if arguments.into is None else _typed(checkpoint, arguments)
        nonfinite: list[str] = []
        if not arguments.dry_run:
            counter = NonfiniteCounter(store.tensors)
            with console.progress("export") as progress:
                store.save(target, digests=not arguments.no_digests, progress=progress, observe=counter)
            nonfinite = _notes_on_nonfinite(counter.counts)
        size = store.nbytes
        document: dict[str, Any] = {
            "source": sources,
            "output": target,
            "written": not arguments.dry_run,
            "layers": len(store.layers),
            "tensors": len(store.tensors),
            "bytes": size,
            "notes": [*beside, *store.notes, *nonfinite, *_notes_on_graph(checkpoint)],
        }
    done = "would write" if arguments.dry_run else "wrote"
    counts = f"{plural(document['layers'], 'layer')}, {plural(document['tensors'], 'tensor')}, {byte_size(size)}"
    return Report(document, [f"{done} {target}: {counts}", *(f"note: {note}" for note in document["notes"])])


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the reader that were given."""
    options: dict[str, Any] = {"inputs": arguments.input} if arguments.input else {}
    if arguments.dtype:
        options["dtypes"] = dict(map(_dtype, arguments.dtype))
    return {**options, "graph_only": True} if arguments.graph_only else options


def _dtype(text: str) -> tuple[str, str]:
    name, equals, dtype = text.rpartition("=")
    if not equals:
        raise UsageError(f"--dtype {text}: expected NAME=DTYPE, such as data=int32.")
    return name, dtype


def _require_weights(store: Store, arguments: argparse.Namespace) -> None:
    """Raise SourceError for a graph without a parameter file, unless it was asked for."""
    if not arguments.graph_only and not has_weights(store):
        raise SourceError(
            f"{', '.join(arguments.source)}: no parameter file is given, and none lies beside it: the store would have "
            "no weights. Give the parameter file too, or pass --graph-only for the graph alone."
        )


def _notes_on_graph(store: Store) -> list[str]:
    """Return a note on how to get the graph of a checkpoint that has none."""
    advice = graph_advice(store)
    return [f"there is no graph, only layers; {advice}"] if advice else []


def _notes_on_nonfinite(counts: Mapping[str, int]) -> list[str]:
    """Return a note on tensors with NaN or infinity."""
    if not counts:
        return []
    names = listed([f"{key} ({count:,})" for key, count in counts.items()], MAX_NAMED)
    return [f"{plural(len(counts), 'tensor')} with NaN or infinite elements: {names}"]


def _typed(store: Store, arguments: argparse.Namespace) -> Store:
    """Return the store of a state dict with the layer kinds and attributes of its module."""
    from neutral import plugins

    framework = None if store.source is None else store.source.framework
    writer = None if framework is None else plugins.load(plugins.WRITERS, framework)
    if writer is None or not hasattr(writer, "typed"):
        raise UsageError(f"--into types the layers of a state dict; a checkpoint of {framework} has typed layers.")
    with importable(arguments.path):
        module = make(arguments.into, arguments.kwargs)
    typed: Store = writer.typed(store, module)
    return typed
