"""Inputs and derived outputs of the verbs: checkpoints by reader, stores, and stores made from stores."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral import plugins
from neutral.cli.console import Console, byte_size, plural
from neutral.cli.outputs import add_replacing, refuse_replacing
from neutral.errors import SourceError, StoreError, UsageError
from neutral.store.remote import is_url
from neutral.text import suggestion

if TYPE_CHECKING:
    import argparse

    from neutral.plugins import Reader
    from neutral.store import Store

HELP = (
    "a prefix (model for model-symbol.json and model-0000.params), a symbol and a .params file, a .params alone, "
    "a folder, a model.tar.gz, or model.tar.gz#member"
)


def add_source(parser: argparse.ArgumentParser, text: str = HELP) -> None:
    """Declare the ``SOURCE…`` argument and ``--epoch`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
        text: The help of the argument.
    """
    parser.add_argument("source", nargs="+", metavar="SOURCE", help=text)
    parser.add_argument("--epoch", type=int, metavar="N", help="the epoch, if a prefix or a folder has several")


def read_source(paths: Sequence[str], epoch: int | None, **options: Any) -> Store:
    """Read a checkpoint with the first reader that accepts all of its paths.

    Args:
        paths: The files or the prefix of one checkpoint.
        epoch: The epoch, or None for the latest.
        options: Other options of the reader; see :class:`neutral.plugins.Reader`.

    Returns:
        The store; close it to remove temporary files.

    Raises:
        SourceError: No reader accepts the paths, or the checkpoint is damaged.
        UsageError: A path is a neutral store.
        StoreError: A path is named as a store and is a malformed one.
    """
    from neutral.store import open_store

    if epoch is not None:
        options["epoch"] = epoch
    for reader in plugins.load_all(plugins.READERS):
        if all(reader.can_read(path) for path in paths):
            store: Store = reader.read(*paths, **options)
            return store
    for path in paths:
        if not os.path.lexists(path):
            close = suggestion(path, _names_beside(path))
            raise SourceError(f"{path}: no such file or folder, and no checkpoint has this prefix.{close}")
        if is_store(path):
            open_store(path).close()
            raise UsageError(f"{path}: this is a neutral store; expected a checkpoint.")
        descriptions = (_description(reader, path) for reader in plugins.load_all(plugins.READERS))
        description = next(filter(None, descriptions), None)
        if description is not None:
            raise SourceError(f"{path}: {description}; expected a checkpoint.")
    readers = ", ".join(plugins.names(plugins.READERS)) or "none"
    raise SourceError(
        f"{', '.join(paths)}: unknown checkpoint format; the readers are {readers}. Pass the files of a checkpoint."
    )


def _description(reader: Reader, path: str) -> str | None:
    describe = getattr(reader, "describe", None)
    return None if describe is None or is_url(path) else describe(path)


def with_partner(paths: Sequence[str], epoch: int | None) -> list[str]:
    """Return one path with the file that lies beside it and completes its checkpoint, if there is one.

    Args:
        paths: The paths of the command line; several are returned as they are.
        epoch: The epoch, or None.

    Returns:
        One path or two, the given one first.

    Raises:
        SourceError: There are several such files, or the given one is damaged.
    """
    if len(paths) == 1:
        reader = next((item for item in plugins.load_all(plugins.READERS) if item.can_read(paths[0])), None)
        find_partner = getattr(reader, "find_partner", None)
        partner = None if find_partner is None else find_partner(paths[0], epoch)
        return [*paths, *([partner] if partner else [])]
    return list(paths)


def notes_on_partner(paths: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Return a note on the file that :func:`with_partner` found beside a given one.

    Args:
        paths: The paths of the command line.
        sources: What ``with_partner`` returned for them.

    Returns:
        No note or one, without a full stop.
    """
    return [f"took {os.path.basename(path)} beside {paths[0]}" for path in sources[len(paths) :]]


def has_weights(store: Store) -> bool:
    """Return whether a store has the weights of its layers: False for that of a graph's file alone.

    Args:
        store: The store of a checkpoint.
    """
    files = () if store.source is None else store.source.files
    return not (store.layers and files) or any(file.role == "parameters" for file in files)


def _names_beside(path: str) -> set[str]:
    """Return the files of a path's folder, and the prefixes of the checkpoints in it."""
    folder = os.path.dirname(path)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return set()
    prefixes = {re.sub(r"(-symbol\.json|-\d{4}\.params)$", "", name) for name in names}
    return {os.path.join(folder, name) for name in prefixes.union(names)}


def open_any(paths: Sequence[str], epoch: int | None = None) -> Store:
    """Open a store, or read a checkpoint as a store.

    Args:
        paths: One store, or the files or the prefix of one checkpoint.
        epoch: The epoch of a checkpoint, or None for the latest.

    Returns:
        The store, which has to be closed.

    Raises:
        SourceError: The input is missing, damaged, or of an unknown format.
        StoreError: The store is malformed.
    """
    if len(paths) == 1 and epoch is None and is_store(paths[0]):
        from neutral.errors import PlainTensorsError
        from neutral.store import open_store

        try:
            return open_store(paths[0])
        except PlainTensorsError as error:
            if not any(reader.can_read(paths[0]) for reader in plugins.load_all(plugins.READERS)):
                raise error from None
    return read_source(paths, epoch)


def add_like(parser: argparse.ArgumentParser) -> None:
    """Declare ``--like`` on the parser of a verb that matches a store with a module.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "--like",
        metavar="STORE",
        help="take the graph of this checkpoint of the same network, for one without a symbol",
    )


@contextmanager
def opened_like(path: str, like: str | None) -> Iterator[Store]:
    """Open a store or a checkpoint, with the graph of another one where that is given.

    Args:
        path: A store, or a checkpoint.
        like: The value of ``--like``.

    Yields:
        The store, which is closed afterwards.

    Raises:
        MatchError: The two are not of the same network.
    """
    with open_any([path]) as store:
        if like is None:
            yield store
            return
        from neutral.borrowed_graph import with_graph_of

        with open_any([like]) as other:
            yield with_graph_of(store, other)


def add_derived(parser: argparse.ArgumentParser) -> None:
    """Declare the options of verbs that write a store made from stores.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the new store")
    parser.add_argument("--dry-run", action="store_true", help="report the store that would be written, write nothing")
    add_replacing(parser)


def save_derived(
    store: Store, sources: Sequence[str], arguments: argparse.Namespace, document: dict[str, Any], console: Console
) -> list[str]:
    """Save a store that was made from others, and return the lines to report.

    Args:
        store: The store.
        sources: The files that it was made from, which are never replaced.
        arguments: Parsed arguments with ``output`` and ``dry_run``.
        document: The JSON document; gets ``output``, ``written``, ``tensors`` and ``bytes``.
        console: Draws the progress bar.

    Returns:
        One line, or several, for people.

    Raises:
        UsageError: The output has an unknown suffix or is one of ``sources``.
        TargetError: The output cannot be written.
    """
    from neutral.store.containers import container_for

    target = arguments.output
    container_for(target)
    refuse_replacing(target, sources)
    if not arguments.dry_run:
        with console.progress("write") as progress:
            store.save(target, progress=progress)
    size = store.nbytes
    document.update(output=target, written=not arguments.dry_run, tensors=len(store.tensors), bytes=size)
    done = "would write" if arguments.dry_run else "wrote"
    counts = f"{plural(len(store.layers), 'layer')}, {plural(len(store.tensors), 'tensor')}, {byte_size(size)}"
    return [f"{done} {target}: {counts}"]


def is_store(path: str) -> bool:
    """Return whether the suffix or the first bytes of a file are those of a container.

    Args:
        path: A path or URL.

    Returns:
        True by the suffix alone, whether or not the file exists or is sound.

    Raises:
        SourceError: If a file of another suffix cannot be read.
    """
    from neutral.store.containers import container_for, container_of

    try:
        container_for(path)
    except UsageError:
        try:
            return os.path.isfile(path) and container_of(path) is not None
        except StoreError:
            return False
    return True
