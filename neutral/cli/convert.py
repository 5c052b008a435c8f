"""Write a store in another container: safetensors, HDF5, or shards with an index. Every conversion is lossless."""

from __future__ import annotations

import argparse
from typing import Any

from neutral.cli.console import Console, Report, byte_size, plural
from neutral.cli.outputs import add_replacing, files_of, refuse_replacing
from neutral.cli.sources import open_any
from neutral.errors import UsageError
from neutral.limits import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral convert``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or the index of shards")
    parser.add_argument("output", metavar="OUTPUT", help="the new store: .safetensors, .h5 or .hdf5")
    parser.add_argument(
        "--max-shard-size",
        metavar="SIZE",
        help="write safetensors shards of at most this size (5GB, 500MiB) and their index",
    )
    parser.add_argument(
        "--compression", metavar="FILTER", help="compress HDF5: gzip, or a filter of hdf5plugin (zstd, blosc, lz4, ...)"
    )
    parser.add_argument("--no-digests", action="store_true", help="compute no digests that the store lacks")
    parser.add_argument("--dry-run", action="store_true", help="report the files that would be written, write none")
    add_replacing(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the store in the container of the output's suffix.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The files, with their sizes in bytes.

    Raises:
        UsageError: If the suffix, the size or the use of ``--compression`` is wrong.
        StoreError: If the store is malformed.
        TargetError: If a file cannot be written.
    """
    from neutral.store import shards
    from neutral.store.containers import container_for

    source, target = arguments.store, arguments.output
    options: dict[str, Any] = {"digests": not arguments.no_digests}
    if arguments.max_shard_size:
        container, target = shards, shards.index_name(target)
        options["max_shard_size"] = parse_size(arguments.max_shard_size)
    else:
        container = container_for(target)
    if arguments.compression:
        if not container.__name__.endswith(".hdf5"):
            raise UsageError(f"{target}: --compression needs an HDF5 output (.h5 or .hdf5).")
        options["compression"] = arguments.compression
    for replaced in files_of(target):  # with an index, the shards that it replaces
        refuse_replacing(replaced, [source])
    with open_any([source]) as store:
        written = [target]
        if not arguments.dry_run:
            with console.progress("convert") as progress:
                written = container.write(store, target, progress=progress, **options) or written
        size = store.nbytes
        document = {
            "store": source,
            "output": target,
            "files": written,
            "written": not arguments.dry_run,
            "tensors": len(store.tensors),
            "bytes": size,
        }
    done = "would write" if arguments.dry_run else "wrote"
    lines = [f"{done} {plural(len(store.tensors), 'tensor')}, {byte_size(size)}:", *(f"  {name}" for name in written)]
    return Report(document, lines)
