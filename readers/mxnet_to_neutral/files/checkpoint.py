"""The files of a checkpoint, and the temporary folder that some of them are in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint.

    Args:
        symbol: The path of the symbol, if there is one.
        params: The path of the parameter file, if there is one.
        notes: How the files were chosen, a sentence each.
        close: Removes temporary files; None if there are none.
    """

    symbol: str | None
    params: str | None
    notes: tuple[str, ...] = ()
    close: Callable[[], None] | None = None


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
