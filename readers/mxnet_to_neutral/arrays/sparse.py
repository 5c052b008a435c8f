"""Check the layout and the indices of MXNet's sparse storage.

``row_sparse``: row ``indices[i]`` of the dense array is ``data[i]``; all other rows are zero.
``csr`` (two dimensions): row r has ``data[indptr[r]:indptr[r+1]]`` in columns ``indices[indptr[r]:indptr[r+1]]``.
MXNet checks neither when it loads a file, and writes outside its memory later if an index is wrong.
"""

from __future__ import annotations

import struct
from operator import le, lt
from typing import Iterator, NamedTuple, Tuple

from mxnet_to_neutral.arrays.window import DAMAGED, Window, open_window
from neutral.tensor import Tensor

CHUNK = 1 << 13
"""Indices in memory at once."""

DtypeAndShape = Tuple[str, Tuple[int, ...]]

_ORDERS = {"strictly": lt, "weakly": le}


class SparseParts(NamedTuple):
    """The stored parts of one sparse array.

    Args:
        name: The array's name, for messages.
        storage: ``row_sparse`` or ``csr``.
        shape: The shape of the dense array.
        data: The stored elements: ``(n, *shape[1:])`` for ``row_sparse``, ``(n,)`` for ``csr``.
        indices: I64 of shape ``(n,)``: row numbers for ``row_sparse``, column numbers for ``csr``.
        indptr: I64 of shape ``(rows + 1,)`` for ``csr``, or empty if no element is stored; None for ``row_sparse``.
    """

    name: str
    storage: str
    shape: tuple[int, ...]
    data: Tensor
    indices: Tensor
    indptr: Tensor | None

    @property
    def nbytes(self) -> int:
        """The bytes that all parts take in the file."""
        return self.data.nbytes + self.indices.nbytes + (self.indptr.nbytes if self.indptr else 0)


def layout_problem(
    storage: str, shape: tuple[int, ...], values: tuple[int, ...], indices: DtypeAndShape, indptr: DtypeAndShape | None
) -> str | None:
    """Describe how the dtypes and shapes of a sparse array's parts contradict its storage type.

    Args:
        storage: ``row_sparse`` or ``csr``.
        shape: The shape of the dense array.
        values: The shape of the stored elements.
        indices: The dtype and shape of the indices.
        indptr: The dtype and shape of the row starts of a ``csr`` array.

    Returns:
        The problem as a sentence, or None if the parts fit together.

    Example:
        >>> layout_problem("row_sparse", (5, 2), (3, 2), ("I64", (3,)), None)
        >>> layout_problem("row_sparse", (5, 2), (3, 2), ("I32", (3,)), None)
        'the indices of a row_sparse array are I32; MXNet can use I64 only.'
    """
    for part, typed in (("indices", indices), ("indptr", indptr)):
        if typed is not None and typed[0] != "I64":
            return f"the {part} of a {storage} array are {typed[0]}; MXNet can use I64 only."
    stored = values[0] if values else 0
    if storage == "row_sparse":
        if values != (stored, *shape[1:]) or stored > shape[0] or indices[1] != (stored,):
            return f"row_sparse shape {shape} with values of shape {values} and indices of shape {indices[1]}."
        return None
    starts = indptr[1] if indptr else ()
    if len(shape) != 2 or values != (stored,) or indices[1] != (stored,):
        return f"csr shape {shape} with values of shape {values} and indices of shape {indices[1]}."
    if starts != (shape[0] + 1,) and not (starts == (0,) and stored == 0):
        return f"csr shape {shape} with {stored} values and an indptr of shape {starts}."
    return None


def stored_shape(values: tuple[int, ...], indices: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the stored elements of a sparse array, of which there are as many as indices.

    MXNet writes another number, often 0, if it saves an array before the operation that computes it has ended; the data
    are there, and its own reader takes the number of indices.

    Args:
        values: The shape of the stored elements as it was written.
        indices: The shape of the indices.

    Returns:
        The shape ``values``, with the number of indices as its first extent.

    Example:
        >>> stored_shape((0, 2), (3,)), stored_shape((4,), (3,))
        ((3, 2), (3,))
    """
    return (*indices, *values[1:]) if values and len(indices) == 1 else values


def check_indices(sparse: SparseParts) -> None:
    """Check the indices of a sparse array, in bounded memory; needed before the array is densified.

    ``row_sparse``: row numbers rise strictly and are below the number of rows. ``csr``: ``indptr`` starts at 0, never
    falls and ends at the number of stored elements; columns are in range, in any order within a row (MXNet uses the
    last of several values for one place).

    Args:
        sparse: The parts of a ``row_sparse`` or ``csr`` array.

    Raises:
        FormatError: An index breaks these rules; the message names its byte offset.
    """
    with open_window(sparse.data.only_range.path) as window:
        window.subject = lambda: f"array {sparse.name!r}"
        if sparse.indptr is None:
            _check_range(window, sparse.indices, sparse.shape[0] - 1, rising="strictly")
            return
        _check_range(window, sparse.indices, sparse.shape[1] - 1)
        if sparse.indptr.nbytes:
            stored = sparse.indices.shape[0]
            _check_range(window, sparse.indptr, stored, rising="weakly")
            for index, expected in ((0, 0), (sparse.indptr.shape[0] - 1, stored)):
                offset = sparse.indptr.only_range.offset + 8 * index
                value = next(_chunks(window, offset, 1))[0]
                if value != expected:
                    raise window.error(f"indptr[{index}] is {value}; {expected} is expected.", DAMAGED, offset)


def _check_range(window: Window, indices: Tensor, high: int, rising: str | None = None) -> None:
    """Check that all indices are from 0 to ``high`` and, if ``rising`` is given, in this order."""
    offset, last = indices.only_range.offset, -1
    for values in _chunks(window, offset, indices.size):
        if min(values) < 0 or max(values) > high:
            index = next(i for i, value in enumerate(values) if not 0 <= value <= high)
            problem = f"index {values[index]} is outside 0 to {high}."
            raise window.error(problem, DAMAGED, offset + 8 * index)
        if rising is not None:
            in_order = _ORDERS[rising]
            previous = (last, *values[:-1])
            if not all(map(in_order, previous, values)):
                index = next(i for i, pair in enumerate(zip(previous, values)) if not in_order(*pair))
                problem = f"index {values[index]} follows {previous[index]}; they must rise {rising}."
                raise window.error(problem, DAMAGED, offset + 8 * index)
        offset, last = offset + 8 * len(values), values[-1]


def _chunks(window: Window, offset: int, count: int) -> Iterator[tuple[int, ...]]:
    """Yield ``count`` I64 numbers from ``offset``, at most :data:`CHUNK` at a time."""
    window.position = offset
    while count:
        size = min(count, CHUNK)
        yield struct.unpack(f"<{size}q", window.read(8 * size, "its indices"))
        count -= size
