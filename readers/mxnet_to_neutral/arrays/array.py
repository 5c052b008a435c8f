"""The arrays of a parameter file: names, dtypes, shapes and byte ranges."""

from __future__ import annotations

from dataclasses import dataclass

from mxnet_to_neutral.arrays.conversion import check_dense_total, densify, normalize_booleans, to_row_major
from mxnet_to_neutral.arrays.sparse import SparseParts, check_indices
from neutral.tensor import Tensor, nbytes_of


@dataclass
class Array:
    """One array of a parameter file. Its elements are in the file, not in memory.

    Args:
        name: The name in the file, or the decimal index if the file stores no names.
        dtype: The dtype code of safetensors, such as ``F32``; empty if ``storage`` is ``none``.
        shape: The shape of the dense array.
        storage: ``dense``, ``row_sparse``, ``csr``, or ``none`` if MXNet saved an uninitialized array: then ``shape``
            is ``()`` and no element is stored.
        offset: The byte offset of the record.
        data: The stored elements, as one range of the file.
        indices: The row numbers (``row_sparse``) or column numbers (``csr``), I64.
        indptr: The position in ``data`` where each row of a ``csr`` array begins, I64.
        fortran_order: True if ``data`` holds the elements in column-major order.

    Example:
        >>> array = Array("fc_weight", "F32", (2, 3), "dense", 24, Tensor("F32", (2, 3), ()))
        >>> array.plain, list(array.parts())
        (True, ['data'])
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
        """The elements in the file: all of them, or the stored elements of a sparse array."""
        assert self.data is not None
        return self.data

    def parts(self) -> dict[str, Tensor]:
        """Return the tensors in the file by name: ``data``, and ``indices`` and ``indptr`` of a sparse array.

        Returns:
            The stored tensors; none of an uninitialized array.
        """
        tensors = {"data": self.data, "indices": self.indices, "indptr": self.indptr}
        return {name: tensor for name, tensor in tensors.items() if tensor is not None}

    @property
    def plain(self) -> bool:
        """True if the bytes in the file are the bytes of :meth:`tensor`."""
        return self.storage == "dense" and not self.fortran_order and self.dtype != "BOOL"

    @property
    def rule(self) -> str:
        """The rule of ``docs/format.md`` by which :meth:`tensor` is made."""
        return "dense" if self.is_sparse else "identity"

    @property
    def is_sparse(self) -> bool:
        """True if the file stores a part of the elements and their indices."""
        return self.indices is not None

    @property
    def sources(self) -> tuple[Array, ...]:
        """The arrays of the file from which :meth:`tensor` is made."""
        return (self,)

    def tensor(self) -> Tensor:
        """Return the dense C-contiguous tensor, with booleans as the bytes 0 and 1.

        Returns:
            The tensor, dense and in row-major order; it is computed when it is read unless :attr:`plain`.

        Raises:
            UnsupportedError: A sparse array would occupy too much memory.
            FormatError: On reading the tensor: a sparse array has an index out of range.
        """
        if self.is_sparse:
            return densify(self._sparse_parts())
        if self.fortran_order:
            return to_row_major(self.stored, self.shape)
        return normalize_booleans(self.stored) if self.dtype == "BOOL" else self.stored

    def check_indices(self) -> None:
        """Check the indices of a sparse array, in bounded memory; a dense array has none.

        Raises:
            FormatError: An index is out of range or out of order.
        """
        if self.is_sparse:
            check_indices(self._sparse_parts())

    @property
    def stored_nbytes(self) -> int:
        """The bytes of a sparse array's parts in the file."""
        return self._sparse_parts().nbytes

    def _sparse_parts(self) -> SparseParts:
        assert self.data is not None and self.indices is not None
        return SparseParts(self.name, self.storage, self.shape, self.data, self.indices, self.indptr)


@dataclass(frozen=True)
class ArrayFile:
    """A parsed parameter file.

    Args:
        path: The file.
        size: Its size in bytes.
        format: ``ndarray-list``, ``npz`` or ``npy``.
        named: True if the file stores the arrays' names.
        arrays: The arrays in the order of the file.
        notes: Irregularities that do not affect the arrays, a sentence each.

    Example:
        >>> ArrayFile("net.params", 24, "ndarray-list", named=True, arrays=(), notes=()).arrays
        ()
    """

    path: str
    size: int
    format: str
    named: bool
    arrays: tuple[Array, ...]
    notes: tuple[str, ...]

    def check_dense_size(self) -> None:
        """Check that the sparse arrays do not occupy too much as dense tensors, all together.

        Raises:
            UnsupportedError: They exceed the limits of :mod:`mxnet_to_neutral.limits`.
        """
        sparse = [array for array in self.arrays if array.is_sparse]
        sizes = ((nbytes_of(array.dtype, array.shape), array.stored_nbytes) for array in sparse)
        check_dense_total(self.path, sizes)
