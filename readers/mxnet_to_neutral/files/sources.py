"""Find the two files of a checkpoint from a prefix, paths, a folder, an archive or URLs."""

from __future__ import annotations

import os
import re
from typing import Sequence

from mxnet_to_neutral.arrays import format_of
from mxnet_to_neutral.files.checkpoint import Checkpoint, in_temporary_folder
from neutral.errors import MismatchError, SourceError, UsageError
from neutral.store.remote import fetch, is_url

_EPOCH = re.compile(r"^(?P<prefix>.*)-(?P<epoch>\d{4,})\.params$")
_SYMBOL_SUFFIXES = ("-symbol.json", ".json")


def find_checkpoint(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    """Return the files of the checkpoint that ``sources`` name.

    Args:
        sources: One prefix, file, folder, archive or URL; or a symbol and a parameter file in either order.
        epoch: The epoch of the parameters after a prefix or in a folder; None for the latest.

    Raises:
        UsageError: More than two paths are given.
        SourceError: A file is missing, or a folder holds no checkpoint or several.
        MismatchError: Both paths are symbols, or both are parameter files.
    """
    if any(map(is_url, sources)):
        return in_temporary_folder(
            lambda folder: find_checkpoint([fetch(s, folder) if is_url(s) else s for s in sources], epoch)
        )
    if len(sources) == 2:
        return _pair(*sources)
    if len(sources) != 1:
        raise UsageError(f"{len(sources)} paths were given; expected one path, or a symbol and a parameter file.")
    path = sources[0]
    if os.path.isdir(path):
        return find_in_folder(path, epoch)
    if not os.path.isfile(path):
        return _find_by_prefix(path, epoch)
    if _is_archive(path):
        return in_temporary_folder(lambda folder: _find_in_archive(path, folder, epoch))
    return Checkpoint(path, None) if _is_symbol(path) else Checkpoint(None, path)


def find_in_folder(folder: str, epoch: int | None) -> Checkpoint:
    """Return the only checkpoint in a folder.

    Args:
        folder: The folder; files in its subfolders are ignored.
        epoch: The epoch of the parameters; None for the latest.

    Raises:
        SourceError: The folder holds no checkpoint, several, or none of this epoch.
    """
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    paths = [path for path in paths if os.path.isfile(path)]
    symbols = [path for path in paths if _is_symbol(path)]
    params = [path for path in paths if path not in symbols and format_of(path)]
    epochs = [_EPOCH.match(path) for path in params]
    prefixes = {match.group("prefix") for match in epochs if match}
    if len(prefixes) == 1 and len(symbols) <= 1 and all(epochs):
        checkpoint = _find_by_prefix(prefixes.pop(), epoch)
        return Checkpoint(checkpoint.symbol or _only(symbols), checkpoint.params, checkpoint.notes)
    if len(symbols) > 1 or len(params) > 1:
        names = ", ".join(os.path.basename(path) for path in symbols + params)
        raise SourceError(f"{folder}: the folder holds more than one checkpoint ({names}). Name a prefix or the files.")
    if not symbols and not params:
        raise SourceError(f"{folder}: no MXNet symbol and no parameter file in this folder.")
    return Checkpoint(_only(symbols), _only(params))


def _only(paths: Sequence[str]) -> str | None:
    return paths[0] if paths else None


def _pair(first: str, second: str) -> Checkpoint:
    for path in (first, second):
        if os.path.isdir(path):
            raise SourceError(f"{path}: this is a folder; name a file of the checkpoint.")
        if not os.path.isfile(path):
            raise SourceError(f"{path}: there is no such file.")
    are_symbols = (_is_symbol(first), _is_symbol(second))
    if are_symbols == (True, False):
        return Checkpoint(first, second)
    if are_symbols == (False, True):
        return Checkpoint(second, first)
    kind = "symbol" if all(are_symbols) else "parameter"
    raise MismatchError(f"{first} and {second}: both are {kind} files; give one symbol and one parameter file.")


def _find_by_prefix(prefix: str, epoch: int | None) -> Checkpoint:
    """Find ``prefix-symbol.json`` and ``prefix-0003.params``, as ``mx.model.load_checkpoint`` does."""
    epochs = _epochs_of(prefix)
    symbol = next((prefix + s for s in _SYMBOL_SUFFIXES if os.path.isfile(prefix + s)), None)
    plain = prefix + ".params" if os.path.isfile(prefix + ".params") else None
    if epoch is not None and epoch not in epochs:
        available = f"there are {', '.join(map(str, sorted(epochs)))}" if epochs else "there are none of any epoch"
        raise SourceError(
            f"{prefix}: there are no parameters of epoch {epoch} ({prefix}-{epoch:04d}.params); {available}."
        )
    if epochs:
        chosen = max(epochs) if epoch is None else epoch
        notes: tuple[str, ...] = ()
        if len(epochs) > 1 and epoch is None:
            notes = (f"the latest of {len(epochs)} epochs, {chosen}, was taken",)
        return Checkpoint(symbol, epochs[chosen], notes)
    if symbol or plain:
        return Checkpoint(symbol, plain)
    raise SourceError(
        f"{prefix}: there is no such file or folder, and neither {prefix}-symbol.json nor {prefix}-0000.params."
    )


def _epochs_of(prefix: str) -> dict[int, str]:
    """Return the paths of ``prefix-NNNN.params`` by epoch."""
    folder, base = os.path.split(prefix)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return {}
    matches = [(_EPOCH.match(name), name) for name in names]
    return {
        int(match.group("epoch")): os.path.join(folder, name)
        for match, name in matches
        if match and match.group("prefix") == base
    }


def _find_in_archive(path: str, folder: str, epoch: int | None) -> Checkpoint:
    """Unpack an archive into ``folder`` and find the checkpoint in it."""
    from mxnet_to_neutral.files.archives import unpack

    try:
        unpack(path, folder)
        return find_in_folder(folder, epoch)
    except SourceError as error:
        raise SourceError(str(error).replace(folder, path)) from None


def _is_archive(path: str) -> bool:
    if _is_symbol(path) or format_of(path) in ("ndarray-list", "npy"):
        return False
    from mxnet_to_neutral.files.archives import is_archive  # imports tarfile and zipfile

    return is_archive(path)


def _is_symbol(path: str) -> bool:
    """Return whether a file is a JSON object, by its first character that is not white space."""
    try:
        with open(path, "rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
