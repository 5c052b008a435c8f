"""Give back the original files of a store, byte for byte.

Their sizes and SHA-256 are compared with those recorded before any of them takes its place. A file that is there
already is replaced only with --force, because its name comes from the store and not from you.
"""

from __future__ import annotations

import argparse

import neutral
from neutral.cli.console import Console, Report, byte_size
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="made if need be")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--dry-run", action="store_true", help="say which files would be written, write none")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral import plugins

    with neutral.open(arguments.store) as store:
        if store.source is None or not store.source.files:
            raise UsageError(f"{arguments.store}: it was not made from files, so there is nothing to restore.")
        files = store.source.files
        if not arguments.dry_run:
            writer = plugins.load(plugins.WRITERS, store.source.framework)
            with console.progress("restore") as progress:
                writer.restore(store, arguments.output, overwrite=arguments.force, progress=progress)
    done = "would write" if arguments.dry_run else "wrote"
    return Report(
        {
            "store": arguments.store,
            "output": arguments.output,
            "written": not arguments.dry_run,
            "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files],
        },
        [f"{done} {file.name} into {arguments.output}: {byte_size(file.size)}" for file in files],
    )
