"""Write weights as a checkpoint of the framework that a store came from: back to where the model has to be served.

--like is the store of a checkpoint of the same network, with any values. It gives the graph, the names, the layouts and
the version of the files; WEIGHTS (a state dict, a store or a checkpoint) gives the values. Which goes where, a mapping
or a plan of `neutral load LIKE --into … --save-plan` says, else names do. Everything has to have its place, or be
allowed by name.
"""

from __future__ import annotations

import argparse

import neutral
from neutral.cli.console import Console, Report
from neutral.cli.load import add_matching, matching
from neutral.cli.sources import open_any
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.add_argument("--like", required=True, metavar="STORE", help="the store of a checkpoint of the same network")
    parser.add_argument(
        "-o", "--output", required=True, metavar="PREFIX", help="PREFIX-0000.params, PREFIX-symbol.json"
    )
    parser.add_argument("--epoch", type=int, default=0, metavar="N", help="the number in the name (default: 0)")
    add_matching(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral import plugins

    with neutral.open(arguments.like) as like, open_any([arguments.weights]) as store:
        if like.source is None:
            raise UsageError(f"{arguments.like}: it was not made from a checkpoint.")
        writer = plugins.load(plugins.WRITERS, like.source.framework)
        if not hasattr(writer, "write"):
            raise UsageError(f"{arguments.like}: it was made from {like.source.framework}, for which none is written.")
        with console.progress("write") as progress:
            done = writer.write(
                store,
                arguments.output,
                like=like,
                epoch=arguments.epoch,
                overwrite=arguments.force,
                dry_run=arguments.dry_run,
                progress=progress,
                **matching(arguments),
            )
    verb = "would write" if arguments.dry_run else "wrote"
    paths = [str(path) for path in done.paths]
    return Report(
        {
            "weights": arguments.weights,
            "like": arguments.like,
            "files": paths,
            "written": not arguments.dry_run,
            "tensors": done.names,
            "notes": list(done.notes),
        },
        [*(f"{verb} {path}" for path in paths), f"{len(done.names)} tensors", *done.notes],
    )
