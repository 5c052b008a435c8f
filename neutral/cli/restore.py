"""Restore the original files of a store, byte for byte.

Sizes and SHA-256 are compared with those recorded before any file replaces another. Existing files are replaced only
with --force, because their names come from the store.
"""

from __future__ import annotations

import argparse

import neutral
from neutral.cli.console import Console, Report, byte_size
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral restore``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="created if necessary")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--dry-run", action="store_true", help="list the files that would be written, write none")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the original files.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The paths of the files.

    Raises:
        UsageError: If the store was not made from files.
        StoreError: If the data do not have the recorded size or digest.
        TargetError: If a file exists or cannot be written.
    """
    from neutral import plugins

    with neutral.open(arguments.store) as store:
        if store.source is None or not store.source.files:
            raise UsageError(f"{arguments.store}: this store was not made from files, so there is nothing to restore.")
        files = store.source.files
        if not arguments.dry_run:
            writer = plugins.load(plugins.WRITERS, store.source.framework)
            plugins.require(writer, "restore")
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
