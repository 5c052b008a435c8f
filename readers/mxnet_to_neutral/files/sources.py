"""Finding the two files of a checkpoint in whatever the user has: a prefix, files, a folder, a SageMaker archive."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from mxnet_to_neutral.arrays import format_of
from neutral.errors import MismatchError, SourceError, UsageError
from neutral.store.remote import fetch, is_url

_EPOCH = re.compile(r"^(?P<prefix>.*)-(?P<epoch>\d{4,})\.params$")
_SYMBOL_SUFFIXES = ("-symbol.json", ".json")


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint. ``close`` removes what was unpacked for it."""

    symbol: str | None
    params: str | None
    notes: tuple[str, ...] = ()
    close: Callable[[], None] | None = None


def find(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    """The checkpoint that these paths mean. Raises SourceError or UsageError, saying what was looked for."""
    if any(map(is_url, sources)):
        return _fetched(sources, epoch)
    if len(sources) == 2:
        return _pair(*sources)
    if len(sources) != 1:
        raise UsageError(f"a checkpoint is one path, or a symbol and a parameter file; {len(sources)} were given.")
    path = sources[0]
    if os.path.isdir(path):
        return _directory(path, epoch)
    if os.path.isfile(path):
        return _archive(path, epoch) if _is_archive(path) else _single(path)
    return _prefix(path, epoch)


def _fetched(sources: Sequence[str], epoch: int | None) -> Checkpoint:
    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        found = find([fetch(source, folder) if is_url(source) else source for source in sources], epoch)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def close() -> None:
        if found.close is not None:
            found.close()
        shutil.rmtree(folder, ignore_errors=True)

    return Checkpoint(found.symbol, found.params, found.notes, close)


def export_live(model: Any) -> Checkpoint:
    """The files that MXNet itself writes for a model in its memory, in a temporary folder."""
    try:
        import mxnet_capture
    except ImportError:
        raise UsageError(
            f"a checkpoint is named by paths; {type(model).__name__} is none, and no live model where MXNet is not."
        ) from None
    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        mxnet_capture.export(model, os.path.join(folder, "model"))
        found = _directory(folder, None)
    except mxnet_capture.CaptureError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(str(error)) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Checkpoint(found.symbol, found.params, found.notes, lambda: shutil.rmtree(folder, ignore_errors=True))


def _pair(first: str, second: str) -> Checkpoint:
    for path in (first, second):
        _require_file(path)
    kinds = [_is_symbol(first), _is_symbol(second)]
    if kinds == [True, False]:
        return Checkpoint(first, second)
    if kinds == [False, True]:
        return Checkpoint(second, first)
    what = "symbol" if all(kinds) else "parameter"
    raise MismatchError(f"{first} and {second}: both are {what} files; give one symbol and one parameter file.")


def _single(path: str) -> Checkpoint:
    return Checkpoint(path, None) if _is_symbol(path) else Checkpoint(None, path)


def _prefix(prefix: str, epoch: int | None) -> Checkpoint:
    """``prefix-symbol.json`` and ``prefix-0003.params``, as ``mx.model.load_checkpoint`` looks for them."""
    folder, base = os.path.split(prefix)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        names = []
    epochs = {
        int(match.group("epoch")): os.path.join(folder, name)
        for name in names
        for match in [_EPOCH.match(name)]
        if match and match.group("prefix") == base
    }
    symbol = next((prefix + s for s in _SYMBOL_SUFFIXES if os.path.isfile(prefix + s)), None)
    plain = prefix + ".params" if os.path.isfile(prefix + ".params") else None
    if epoch is not None and epoch not in epochs:
        found = f"there are {', '.join(map(str, sorted(epochs)))}" if epochs else "there is none at all"
        raise SourceError(f"{prefix}: there are no parameters of epoch {epoch} ({prefix}-{epoch:04d}.params); {found}.")
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


def _directory(folder: str, epoch: int | None) -> Checkpoint:
    """The one checkpoint of a folder. Several models in it need a prefix to choose by."""
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    files = [path for path in files if os.path.isfile(path)]
    symbols = [path for path in files if _is_symbol(path)]
    params = [path for path in files if path not in symbols and format_of(path)]
    prefixes = {match.group("prefix") for path in params for match in [_EPOCH.match(path)] if match}
    if len(prefixes) == 1 and len(symbols) <= 1 and all(_EPOCH.match(path) for path in params):
        found = _prefix(prefixes.pop(), epoch)
        return Checkpoint(found.symbol or (symbols[0] if symbols else None), found.params, found.notes)
    if len(symbols) > 1 or len(params) > 1:
        listed = ", ".join(os.path.basename(path) for path in symbols + params)
        raise SourceError(f"{folder}: it holds more than one checkpoint ({listed}). Name a prefix or the files.")
    if not symbols and not params:
        raise SourceError(f"{folder}: there is no MXNet symbol and no parameter file in this folder.")
    return Checkpoint(symbols[0] if symbols else None, params[0] if params else None)


def _archive(path: str, epoch: int | None) -> Checkpoint:
    """The checkpoint in an archive, which is unpacked into a temporary folder."""
    from mxnet_to_neutral.files.archives import unpack

    folder = tempfile.mkdtemp(prefix="neutral-")
    try:
        unpack(path, folder)
        found = _directory(folder, epoch)
    except SourceError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SourceError(str(error).replace(folder, path)) from None
    return Checkpoint(found.symbol, found.params, found.notes, lambda: shutil.rmtree(folder, ignore_errors=True))


def _is_archive(path: str) -> bool:
    if _is_symbol(path) or format_of(path) in ("ndarray-list", "npy"):
        return False
    from mxnet_to_neutral.files.archives import is_archive  # what unpacks takes a while to import

    return is_archive(path)


def _is_symbol(path: str) -> bool:
    """Whether a file is a symbol: a JSON object, told by its first character that is not white space."""
    try:
        with open(path, "rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None


def _require_file(path: str) -> None:
    if os.path.isdir(path):
        raise SourceError(f"{path}: this is a folder; name the file.")
    if not os.path.isfile(path):
        raise SourceError(f"{path}: there is no such file.")
