"""Find the two files of a checkpoint in a folder: the only one, by a prefix, or beside a given file."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Sequence

from mxnet_to_neutral.files.belonging import names_agree
from mxnet_to_neutral.files.checkpoint import Checkpoint
from mxnet_to_neutral.files.detection import kind_of
from mxnet_to_neutral.files.grouping import EPOCH, Group, group_files
from mxnet_to_neutral.files.kinds import PARAMETERS
from neutral.errors import SourceError

_SYMBOL_SUFFIXES = ("-symbol.json", ".json")


def groups_in(folder: str, names: Sequence[str] | None = None) -> list[Group]:
    """Return the checkpoints among the files of a folder; see :func:`mxnet_to_neutral.files.grouping.group_files`.

    Args:
        folder: A local folder.
        names: The names of its files; None to list them. Hidden files are left out.

    Returns:
        A group for each checkpoint; it may lack the symbol or the parameters.
    """
    if names is None:
        names = [name for name in os.listdir(folder or ".") if os.path.isfile(os.path.join(folder, name))]
    kinds = {name: kind_of(os.path.join(folder, name)) for name in names if not name.startswith(".")}
    return group_files(
        kinds, lambda symbol, params: names_agree(os.path.join(folder, symbol), os.path.join(folder, params))
    )


def find_in_folder(folder: str, epoch: int | None) -> Checkpoint:
    """Return the only checkpoint in a folder: the only symbol with parameters, or the only file.

    Args:
        folder: The folder; files in its subfolders are ignored.
        epoch: The epoch of the parameters; None for the latest.

    Returns:
        The paths of the symbol and of the parameters; either may be missing.

    Raises:
        SourceError: The folder holds no checkpoint, several, or none of this epoch.
    """
    groups = groups_in(folder)
    candidates = (
        [group for group in groups if group.symbol and group.params]
        or [group for group in groups if group.params]
        or groups
    )
    if len(candidates) > 1:
        names = ", ".join(name for group in candidates for name in group.names)
        raise SourceError(f"{folder}: the folder holds more than one checkpoint ({names}). Name a prefix or the files.")
    if not candidates:
        raise SourceError(f"{folder}: no MXNet symbol and no parameter file in this folder.")
    others = [name for group in groups if group is not candidates[0] for name in group.names]
    notes = (f"passed over {', '.join(others)} in the folder of the checkpoint",) if others else ()
    return _choose(folder, candidates[0], epoch, notes)


def find_by_prefix(prefix: str, epoch: int | None) -> Checkpoint:
    """Find ``prefix-symbol.json`` and ``prefix-0003.params``, as ``mx.model.load_checkpoint`` does.

    Without parameters of any epoch, ``prefix.params`` is taken, or the only parameter file whose name begins with the
    prefix (``prefix-best.params``). Without a symbol of the prefix, the one that lies beside the parameters is taken.

    Args:
        prefix: The path of the files without ``-symbol.json`` and ``-0003.params``.
        epoch: The epoch of the parameters; None for the latest.

    Returns:
        The paths of the symbol and of the parameters; either may be missing.

    Raises:
        SourceError: There is no such file, none of this epoch, or several parameter files without an epoch.
    """
    folder, base = os.path.split(prefix)
    names = _names_in(folder)
    epochs = {name: match for name, match in zip(names, map(EPOCH.match, names)) if match}
    group = Group(None, [name for name, match in epochs.items() if match.group("prefix") == base])
    symbols = [base + suffix for suffix in _SYMBOL_SUFFIXES if os.path.isfile(prefix + suffix)]
    group.symbol = symbols[0] if symbols else None
    if epoch is None and not group.params:
        if os.path.isfile(prefix + ".params"):
            group.params = [base + ".params"]
        else:
            near = [name for name in names if name.startswith((base + "-", base + ".")) and name not in epochs]
            group.params = [name for name in near if kind_of(os.path.join(folder, name)) == PARAMETERS]
    if epoch is not None and epoch not in group.epochs:
        available = (
            f"there are {', '.join(map(str, sorted(group.epochs)))}" if group.epochs else "there are none of any epoch"
        )
        raise SourceError(
            f"{prefix}: there are no parameters of epoch {epoch} ({prefix}-{epoch:04d}.params); {available}."
        )
    if not group.names:
        raise SourceError(
            f"{prefix}: there is no such file or folder, and neither {prefix}-symbol.json nor {prefix}-0000.params."
        )
    found = _choose(folder, group, epoch)
    if found.symbol or not found.params:
        return found
    pair = with_partner(found)  # whose symbol has another prefix
    if not (pair.symbol and pair.params):
        return found
    note = f"took {os.path.basename(pair.symbol)} beside {os.path.basename(pair.params)}"
    return replace(pair, notes=(*pair.notes, note))


def with_partner(given: Checkpoint, epoch: int | None = None) -> Checkpoint:
    """Return a checkpoint of one file with the symbol or the parameters that lie beside it.

    Args:
        given: A symbol or a parameter file.
        epoch: The epoch of the parameters beside a symbol, if there are several.

    Returns:
        The pair; ``given`` if there is no partner.

    Raises:
        SourceError: There are several parameter files; the message lists them.
    """
    folder, name = os.path.split(given.symbol or given.params or "")
    group = next((group for group in groups_in(folder) if name in group.names), None)
    if group is None or not (group.symbol and group.params):
        return given
    if given.symbol is None:
        return replace(given, symbol=os.path.join(folder, group.symbol))
    if epoch is None and len(group.params) > 1:
        raise SourceError(
            f"{given.symbol}: the symbol has several parameter files beside it ({', '.join(group.params)}). "
            "Name one of them as well, or pass --epoch."
        )
    params = group.epochs.get(epoch, "") if epoch is not None else group.params[0]
    if not params:
        raise SourceError(
            f"{given.symbol}: there are no parameters of epoch {epoch}; there are {', '.join(group.params)}."
        )
    return replace(given, params=os.path.join(folder, params))


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or "."))
    except OSError:
        return []


def _choose(folder: str, group: Group, epoch: int | None, notes: tuple[str, ...] = ()) -> Checkpoint:
    """Return the checkpoint of one epoch of a group, the latest by default."""
    symbol = None if group.symbol is None else os.path.join(folder, group.symbol)
    if not group.params:
        return Checkpoint(symbol, None, notes)
    epochs = group.epochs
    if not epochs and len(group.params) > 1:
        raise SourceError(
            f"{symbol or folder}: there is more than one checkpoint ({', '.join(group.params)}). Name the files."
        )
    if epoch is not None and epoch not in epochs:
        available = ", ".join(map(str, sorted(epochs))) or "none of any epoch"
        raise SourceError(f"{folder}: there are no parameters of epoch {epoch}; there are {available}.")
    if not epochs:
        return Checkpoint(symbol, os.path.join(folder, group.params[0]), notes)
    chosen = max(epochs) if epoch is None else epoch
    if len(epochs) > 1 and epoch is None:
        notes = (*notes, f"the latest of {len(epochs)} epochs, {chosen}, was taken")
    return Checkpoint(symbol, os.path.join(folder, epochs[chosen]), notes)
