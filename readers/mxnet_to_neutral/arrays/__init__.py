"""Parameter files of every MXNet version, parsed to names, types, shapes and byte ranges, without MXNet or NumPy.

Any file gives an :class:`ArrayFile` or a ``NeutralError``. No element is read before it is asked for, and what is
remembered is in proportion to the number of arrays.
"""

from __future__ import annotations

import os

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.container import parse_list
from mxnet_to_neutral.arrays.kinds import HEAD, file_format, foreign_kind
from mxnet_to_neutral.arrays.npy import parse_npy
from mxnet_to_neutral.arrays.npz import parse_npz
from mxnet_to_neutral.arrays.sparse import check_indices
from mxnet_to_neutral.arrays.window import Window, open_window
from neutral.errors import FormatError, NeutralError, SourceError

__all__ = ["Array", "ArrayFile", "check_indices", "format_of", "parse"]

_PARSERS = {"ndarray-list": parse_list, "npz": parse_npz, "npy": parse_npy}


def parse(path: str | os.PathLike[str]) -> ArrayFile:
    """The arrays of an NDArray list, .npz or .npy file.

    SourceError for what cannot be read or is another kind of file (named, with what to do about it);
    FormatError, with the offset, for bytes that break the format.
    """
    with open_window(path) as window:
        head = _head(window)
        name = file_format(head, window.size)
        if name is not None:
            return _PARSERS[name](window)
        kind = foreign_kind(head, window.size)
        if kind is not None:
            raise SourceError(f"{window.path}: {kind}")
        raise FormatError(
            window.path,
            0,
            f"the file begins with {head[:8]!r}, as no parameter file of MXNet does.",
            "Expected is an NDArray list (0x112), an .npz or an .npy file.",
        )


def format_of(path: str | os.PathLike[str]) -> str | None:
    """The format by the first bytes, of those that :func:`parse` reads; None for all else and what cannot be read."""
    try:
        with open_window(path) as window:
            return file_format(_head(window), window.size)
    except NeutralError:
        return None


def _head(window: Window) -> bytes:
    head = window.read(min(HEAD, window.size), "the file's first bytes")
    window.position = 0
    return head
