"""The files of a checkpoint, and the temporary folder that some of them are in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Iterable

from neutral.errors import FormatError, NeutralError


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint.

    Args:
        symbol: The path of the symbol, if there is one.
        params: The path of the parameter file, if there is one.
        notes: How the files were chosen, a sentence each.
        origins: What errors say in place of temporary paths: pairs of the beginning of a path and its origin.
        close: Removes temporary files; None if there are none.
    """

    symbol: str | None
    params: str | None
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    close: Callable[[], None] | None = None


def name_origins(error: NeutralError, origins: Iterable[tuple[str, str]]) -> None:
    """Replace temporary paths in the message of an error by what they were made from.

    Args:
        error: The error, which is changed.
        origins: Pairs of the beginning of a path and its origin; see :class:`Checkpoint`.

    Example:
        >>> from neutral.errors import FormatError
        >>> error = FormatError("/tmp/x/a.params", 8, "unknown magic 0x0.")
        >>> name_origins(error, [("/tmp/x/", "a.zip#")])
        >>> str(error), error.file
        ('a.zip#a.params, byte 8: unknown magic 0x0.', 'a.zip#a.params')
    """
    for path, origin in origins:
        error.args = tuple(text.replace(path, origin) if isinstance(text, str) else text for text in error.args)
        if isinstance(error, FormatError):
            error.file = error.file.replace(path, origin)


def in_temporary_folder(find: Callable[[str], Checkpoint]) -> Checkpoint:
    """Return the checkpoint that ``find`` makes in a new temporary folder.

    Args:
        find: A function of the folder's path. If it raises, the folder is removed.

    Returns:
        The checkpoint, whose ``close`` removes the folder too.
    """
    from neutral.scratch import ScratchFolder

    folder = ScratchFolder()
    try:
        checkpoint = find(folder.path)
    except BaseException:
        folder.close()
        raise

    def close() -> None:
        if checkpoint.close is not None:
            checkpoint.close()
        folder.close()

    return replace(checkpoint, close=close)
