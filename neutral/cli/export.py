"""Write a checkpoint as a neutral store.

The store appears whole or not at all; a file that stands at the target is replaced only when the new one is whole
and on the disk, and a failed run leaves it as it was.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from neutral.cli.console import Console, Report, byte_size, plural
from neutral.cli.factory import add_factory, importable, make
from neutral.cli.sources import add_source, read_source
from neutral.errors import UsageError
from neutral.gc_pause import paused

if TYPE_CHECKING:
    from neutral.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the store; FILE.safetensors")
    add_factory(parser, required=False, text="of a PyTorch state dict: the class or function of its module")
    parser.add_argument("--no-digests", action="store_true", help="leave out the SHA-256 of every tensor and file")
    parser.add_argument("--dry-run", action="store_true", help="read and convert the structure, write nothing")


@paused()  # the one model that there is lives as long as the command
def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral.store.containers import container_for

    target = arguments.output
    container_for(target)  # an unknown suffix is noticed before anything is read
    for path in arguments.source:
        if os.path.exists(target) and os.path.exists(path) and os.path.samefile(path, target):
            raise UsageError(f"{target}: the output would replace the source. Choose another name.")
    with read_source(arguments.source, arguments.epoch) as read:
        store = read if arguments.into is None else _typed(read, arguments)
        if not arguments.dry_run:
            with console.progress("export") as progress:
                store.save(target, digests=not arguments.no_digests, progress=progress)
        size = store.nbytes
        document = {
            "source": arguments.source,
            "output": target,
            "written": not arguments.dry_run,
            "layers": len(store.layers),
            "tensors": len(store.tensors),
            "bytes": size,
            "notes": list(store.notes),
        }
    done = "would write" if arguments.dry_run else "wrote"
    counts = f"{plural(document['layers'], 'layer')}, {plural(document['tensors'], 'tensor')}, {byte_size(size)}"
    return Report(document, [f"{done} {target}: {counts}", *(f"note: {note}" for note in store.notes)])


def _typed(store: Store, arguments: argparse.Namespace) -> Store:
    """The store with the types of the module that its state dict belongs to."""
    from neutral import plugins

    if store.source is None or store.source.framework != "torch":
        raise UsageError("--into gives types to a PyTorch state dict, and this is a checkpoint with types of its own.")
    with importable(arguments.path):
        module = make(arguments.into, arguments.kwargs)
    typed: Store = plugins.load(plugins.WRITERS, "torch").typed(store, module)
    return typed
