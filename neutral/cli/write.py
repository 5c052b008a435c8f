"""Write weights as a checkpoint of the framework that a store was exported from, for serving the model there.

--like is the store of a checkpoint of the same network, with any values. It supplies the graph, the names, the layouts
and the version of the files; WEIGHTS (a state dict, a store or a checkpoint) supplies the values. Layers are paired by
--mapping (TOML, or a plan of `neutral load LIKE --into … --save-plan`), then by name; the weights of the module that
`neutral emit` writes for --like need no mapping. Every tensor has to be paired, except those that --allow-unused and
--allow-missing name.
"""

from __future__ import annotations

import argparse

import neutral
from neutral.cli.console import Console, Report
from neutral.cli.load import add_matching, matching_options
from neutral.cli.sources import open_any
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral write``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.add_argument("--like", required=True, metavar="STORE", help="the store of a checkpoint of the same network")
    parser.add_argument(
        "-o", "--output", required=True, metavar="PREFIX", help="PREFIX-0000.params, PREFIX-symbol.json"
    )
    parser.add_argument("--epoch", type=int, default=0, metavar="N", help="the number in the name (default: 0)")
    add_matching(parser)
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the weights under the names and layouts of ``--like``.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The files, and the name of the tensor that fills each.

    Raises:
        UsageError: If the store of ``--like`` was not made from a checkpoint.
        MatchError: If the weights do not fit.
        TargetError: If a file exists or cannot be written.
    """
    from neutral import plugins

    with neutral.open(arguments.like) as like, open_any([arguments.weights]) as store:
        if like.source is None:
            raise UsageError(f"{arguments.like}: this store was not made from a checkpoint; --like needs one that was.")
        writer = plugins.load(plugins.WRITERS, like.source.framework)
        plugins.require(writer, "write")
        with console.progress("write") as progress:
            written = writer.write(
                store,
                arguments.output,
                like=like,
                epoch=arguments.epoch,
                overwrite=arguments.force,
                dry_run=arguments.dry_run,
                progress=progress,
                **matching_options(arguments),
            )
    done = "would write" if arguments.dry_run else "wrote"
    paths = [str(path) for path in written.paths]
    return Report(
        {
            "weights": arguments.weights,
            "like": arguments.like,
            "files": paths,
            "written": not arguments.dry_run,
            "tensors": written.names,
            "notes": list(written.notes),
        },
        [*(f"{done} {path}" for path in paths), f"{len(written.names)} tensors", *written.notes],
    )
