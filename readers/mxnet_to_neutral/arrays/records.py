"""What a parameter file holds: names, types, shapes, and where the bytes are. No element is in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from neutral.tensor import Tensor

MAX_NDIM = 32
"""MXNet makes arrays of at most 32 dimensions."""

MAX_ARRAYS = 1 << 17
"""More arrays than any model has; it bounds what a crafted file can make the reader remember."""

TRUNCATED = "The file is cut short or damaged: get it again."
DAMAGED = "The file is damaged, or was not written by MXNet: get it again."


class ArrayRecord(NamedTuple):
    """One array.

    ``name`` is as in the file, or the index in decimal where the file has no names. ``shape`` is that of the
    dense array. ``storage`` is ``dense``, ``row_sparse``, ``csr``, or ``none`` where MXNet saved an array that
    was never made: then ``dtype`` is empty, ``shape`` is ``()`` and nothing is stored. ``offset`` is where the
    record begins. ``data``, ``indices`` and ``indptr`` are what is stored, each as one range of the file.
    ``fortran_order``: the elements of ``data`` are in column-major order of ``shape``.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    storage: str
    offset: int
    data: Tensor | None
    indices: Tensor | None
    indptr: Tensor | None
    fortran_order: bool = False


@dataclass(frozen=True)
class ArrayFile:
    """A parsed file. ``format`` is ``ndarray-list``, ``npz`` or ``npy``; ``notes`` are oddities, not errors."""

    path: str
    size: int
    format: str
    named: bool
    records: tuple[ArrayRecord, ...]
    notes: tuple[str, ...]
