"""Detect the format of a parameter file and parse it."""

from __future__ import annotations

import os
from typing import Callable

from mxnet_to_neutral.arrays.array import ArrayFile
from mxnet_to_neutral.arrays.ndarray_list import parse_list
from mxnet_to_neutral.arrays.signatures import HEAD_SIZE, describe_foreign_file, detect_format
from mxnet_to_neutral.arrays.window import Window, open_window
from neutral.errors import FormatError, NeutralError, SourceError


def read_arrays(path: str | os.PathLike[str]) -> ArrayFile:
    """Parse a parameter file: an NDArray list (``.params``), an ``.npz`` or an ``.npy`` file.

    Only headers are read. The format is detected from the first bytes, never from the name.

    Args:
        path: The file.

    Returns:
        The arrays in the order of the file, each with the byte ranges of its elements.

    Raises:
        SourceError: The file cannot be read, or is of another kind; the message says of which.
        FormatError: The file breaks its format; the message names the byte offset.

    Example:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(os.path.join(folder, "weight.npy"), np.zeros((2, 3), np.float32))
        ...     file = read_arrays(os.path.join(folder, "weight.npy"))
        >>> file.format, file.arrays[0].shape
        ('npy', (2, 3))
    """
    with open_window(path) as window:
        head = _head(window)
        name = detect_format(head, window.size)
        if name is not None:
            return _parser(name)(window)
        description = describe_foreign_file(head, window.size)
        if description is not None:
            raise SourceError(f"{window.path}: {description}")
        raise FormatError(
            window.path,
            0,
            f"unknown file format: found {head[:8]!r} as its first bytes.",
            "Expected an NDArray list (0x112), an .npz or an .npy file.",
        )


def format_of(path: str | os.PathLike[str]) -> str | None:
    """Detect which format of :func:`read_arrays` a file has, from its first bytes.

    Args:
        path: The file; it may be absent or unreadable.

    Returns:
        ``"ndarray-list"``, ``"npz"`` or ``"npy"``; None for any other file and for one that cannot be read.

    Example:
        >>> format_of("missing.params") is None
        True
    """
    try:
        with open_window(path) as window:
            return detect_format(_head(window), window.size)
    except NeutralError:
        return None


def _parser(name: str) -> Callable[[Window], ArrayFile]:
    """Return the parser of a format; those that few checkpoints need are imported here."""
    if name == "npy":
        from mxnet_to_neutral.arrays.npy import parse_npy

        return parse_npy
    if name == "npz":
        from mxnet_to_neutral.arrays.npz import parse_npz

        return parse_npz
    return parse_list


def _head(window: Window) -> bytes:
    head = window.read(min(HEAD_SIZE, window.size), "the file's first bytes")
    window.position = 0
    return head
