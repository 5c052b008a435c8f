"""The rules of MXNet's sparse storage.

``row_sparse``: rows ``indices[i]`` of the dense array are ``data[i]``, all others are zero.
``csr`` (two dimensions): row r has ``data[indptr[r]:indptr[r+1]]`` in columns ``indices[indptr[r]:indptr[r+1]]``.
MXNet checks none of this when it loads, and a wrong index makes it write outside its memory later.
"""

from __future__ import annotations

import sys
from array import array
from operator import le, lt
from typing import TYPE_CHECKING, Iterator, Tuple

from mxnet_to_neutral.arrays.limits import DAMAGED
from mxnet_to_neutral.arrays.window import Window, open_window
from neutral.tensor import Tensor

if TYPE_CHECKING:
    from mxnet_to_neutral.arrays.array import Array

CHUNK = 1 << 15
"""Indices in memory at once."""

Typed = Tuple[str, Tuple[int, ...]]


def layout_problem(
    storage: str, shape: tuple[int, ...], values: tuple[int, ...], indices: Typed, indptr: Typed | None
) -> str | None:
    """What is wrong with the parts' types and shapes, if anything; ``indices`` and ``indptr`` are (dtype, shape)."""
    for part, typed in (("indices", indices), ("indptr", indptr)):
        if typed is not None and typed[0] != "I64":
            return f"the {part} of a {storage} array are {typed[0]}; MXNet can use I64 only."
    if storage == "row_sparse":
        stored = values[0] if values else 0
        if values != (stored, *shape[1:]) or stored > shape[0] or indices[1] != (stored,):
            return f"row_sparse shape {shape} with values of shape {values} and indices of shape {indices[1]}."
        return None
    stored = values[0] if values else 0
    starts = indptr[1] if indptr else ()
    if len(shape) != 2 or values != (stored,) or indices[1] != (stored,):
        return f"csr shape {shape} with values of shape {values} and indices of shape {indices[1]}."
    if starts != (shape[0] + 1,) and not (starts == (0,) and stored == 0):
        return f"csr shape {shape} with {stored} values and an indptr of shape {starts}."
    return None


def check_indices(sparse: Array) -> None:
    """Reads a sparse array's indices, in bounded memory, and raises FormatError where one points astray.

    Needed before an array is made dense. ``row_sparse``: row numbers rise strictly and are below the number of
    rows. ``csr``: ``indptr`` starts at 0, never falls and ends at the number of values; columns are in range
    (within a row they may come in any order, and of several values for one place MXNet uses the last). Other
    storage has nothing to check.
    """
    if sparse.indices is None:
        return
    with open_window(sparse.stored.only_range.path) as window:
        window.subject = lambda: f"array {sparse.name!r}"
        if sparse.storage == "row_sparse":
            _check(window, sparse.indices, 0, sparse.shape[0] - 1, rising="strictly")
            return
        _check(window, sparse.indices, 0, sparse.shape[1] - 1)
        if sparse.indptr is not None and sparse.indptr.nbytes:
            stored = sparse.indices.shape[0]
            _check(window, sparse.indptr, 0, stored, rising="weakly")
            for index, expected in ((0, 0), (sparse.indptr.shape[0] - 1, stored)):
                offset = sparse.indptr.only_range.offset + 8 * index
                found = next(_values(window, offset, 1))[0]
                if found != expected:
                    raise window.error(f"indptr[{index}] is {found}; {expected} is expected.", DAMAGED, offset)


def _check(window: Window, indices: Tensor, low: int, high: int, rising: str = "") -> None:
    ordered = {"strictly": lt, "weakly": le, "": None}[rising]
    offset, last = indices.only_range.offset, low - 1
    for values in _values(window, offset, indices.size):
        if min(values) < low or max(values) > high:
            index = next(i for i, value in enumerate(values) if not low <= value <= high)
            problem = f"index {values[index]} is outside {low} to {high}."
            raise window.error(problem, DAMAGED, offset + 8 * index)
        if ordered is not None:
            before = array("q", (last,)) + values[:-1]
            if not all(map(ordered, before, values)):
                index = next(i for i, pair in enumerate(zip(before, values)) if not ordered(*pair))
                problem = f"index {values[index]} follows {before[index]}; they must rise {rising}."
                raise window.error(problem, DAMAGED, offset + 8 * index)
        offset, last = offset + 8 * len(values), values[-1]


def _values(window: Window, offset: int, left: int) -> Iterator[array[int]]:
    window.position = offset
    while left:
        count = min(left, CHUNK)
        values = array("q", window.read(8 * count, "its indices"))
        if sys.byteorder == "big":
            values.byteswap()
        yield values
        left -= count
