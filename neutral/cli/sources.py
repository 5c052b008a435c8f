"""Raw checkpoints on the command line: which reader takes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Sequence

from neutral import plugins
from neutral.errors import SourceError, StoreError, UsageError

if TYPE_CHECKING:
    import argparse

    from neutral.store import Store

HELP = (
    "a prefix (model for model-symbol.json and model-0000.params), a symbol and a .params file, a .params alone, "
    "a folder, or a model.tar.gz"
)


def add_source(parser: argparse.ArgumentParser, text: str = HELP) -> None:
    parser.add_argument("source", nargs="+", metavar="SOURCE", help=text)
    parser.add_argument("--epoch", type=int, metavar="N", help="the epoch, where a prefix or a folder has several")


def read_source(paths: Sequence[str], epoch: int | None) -> Store:
    """The store of a checkpoint, by the first reader that takes every one of ``paths``."""
    options: dict[str, Any] = {} if epoch is None else {"epoch": epoch}
    for reader in plugins.load_all(plugins.READERS):
        if all(reader.can_read(path) for path in paths):
            return reader.read(*paths, **options)
    for path in paths:
        if not os.path.lexists(path):
            raise SourceError(f"{path}: there is no such file or folder, and no checkpoint has this prefix.")
        if is_store(path):
            raise UsageError(f"{path}: this is a neutral store, and a checkpoint is expected here.")
    readers = ", ".join(plugins.names(plugins.READERS)) or "none"
    raise SourceError(f"{', '.join(paths)}: no reader knows this (readers: {readers}). Name the checkpoint's files.")


def is_store(path: str) -> bool:
    """Whether the suffix or the first bytes are those of a container."""
    from neutral.store.containers import container_for, container_of

    try:
        container_for(path)
    except UsageError:
        try:
            return os.path.isfile(path) and container_of(path) is not None
        except StoreError:
            return False
    return True
