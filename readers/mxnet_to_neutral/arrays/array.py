"""What a parameter file holds: names, types, shapes, and where the bytes are. No element is in memory."""

from __future__ import annotations

from dataclasses import dataclass

from mxnet_to_neutral.arrays.values import densify
from neutral.tensor import Tensor


@dataclass
class Array:
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
    data: Tensor | None = None
    indices: Tensor | None = None
    indptr: Tensor | None = None
    fortran_order: bool = False

    @property
    def stored(self) -> Tensor:
        """The elements that the file holds: all, or of a sparse array those that are not 0."""
        assert self.data is not None
        return self.data

    def parts(self) -> dict[str, Tensor]:
        """All that the file holds, by what it is."""
        named = {"data": self.data, "indices": self.indices, "indptr": self.indptr}
        return {name: part for name, part in named.items() if part is not None}

    @property
    def plain(self) -> bool:
        """Whether the file holds the values themselves, row by row, ready to be used."""
        return self.storage == "dense" and not self.fortran_order and self.dtype != "BOOL"

    @property
    def rule(self) -> str:
        """What the store calls the making of the values."""
        return "dense" if self.storage in ("row_sparse", "csr") else "identity"

    @property
    def sources(self) -> tuple[Array, ...]:
        """The arrays of the file that the values come from."""
        return (self,)

    def tensor(self) -> Tensor:
        """The values in full, C-contiguous: sparse arrays dense, booleans 0 or 1."""
        return self.stored if self.plain else densify(self)


@dataclass(frozen=True)
class ArrayFile:
    """A parsed file. ``format`` is ``ndarray-list``, ``npz`` or ``npy``; ``notes`` are oddities, not errors."""

    path: str
    size: int
    format: str
    named: bool
    arrays: tuple[Array, ...]
    notes: tuple[str, ...]
