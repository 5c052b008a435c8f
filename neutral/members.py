"""Name a checkpoint in an archive: ``model.tar.gz#export/model-0000.params``."""

from __future__ import annotations

import os


def split_member(path: str) -> tuple[str, str]:
    """Split ``archive#member`` after the first ``#`` that follows the name of a file; without one, return no member.

    Args:
        path: A path of a command line.

    Returns:
        The path of the file and the name of its member, empty without one.

    Example:
        >>> split_member("model")
        ('model', '')
    """
    position = path.find("#")
    while position > 0:
        if os.path.isfile(path[:position]):
            return path[:position], path[position + 1 :]
        position = path.find("#", position + 1)
    return path, ""
