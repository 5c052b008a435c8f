"""The values of arrays that the file does not hold as they are used: sparse, in column-major order, or booleans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from mxnet_to_neutral.arrays.sparse import check_indices
from neutral.errors import UnsupportedError
from neutral.tensor import CHUNK, Tensor, lazy_tensor

if TYPE_CHECKING:
    from mxnet_to_neutral.arrays.array import Array

DENSE_LIMIT = 1 << 30
"""Bytes that a sparse array may always have when made dense; beyond it, DENSE_GROWTH times what is stored of it."""

DENSE_GROWTH = 1024


def densify(array: Array) -> Tensor:
    """All values, row by row, made when they are read."""
    if array.storage in ("row_sparse", "csr"):
        return _dense(array)
    if array.fortran_order:
        columns = array.stored._replace(shape=array.shape[::-1])
        return lazy_tensor(array.dtype, array.shape, lambda: columns.numpy().T)
    return Tensor("BOOL", array.shape, lambda: _as_booleans(array.stored))


def _as_booleans(stored: Tensor) -> Iterator[bytes]:
    """MXNet takes any byte but 0 as true; the store holds 0 and 1 only."""
    table = bytes([0]) + bytes([1]) * 255
    for chunk in stored.chunks():
        yield bytes(chunk).translate(table)


def _dense(array: Array) -> Tensor:
    """A sparse array in full, made row block by row block."""
    tensor = Tensor(array.dtype, array.shape, lambda: _dense_rows(array))
    limit = max(DENSE_LIMIT, DENSE_GROWTH * sum(part.nbytes for part in array.parts().values()))
    if tensor.nbytes > limit:
        raise UnsupportedError(
            f"{array.stored.only_range.path}: sparse array {array.name!r} of shape {array.shape} would take "
            f"{tensor.nbytes} bytes when made dense; {limit} are allowed for what the file holds of it."
        )
    return tensor


def _dense_rows(array: Array) -> Iterator[memoryview]:
    import numpy as np

    check_indices(array)
    parts = {name: part.numpy() for name, part in array.parts().items()}
    values, indices, indptr = parts["data"], parts["indices"], parts.get("indptr")
    rows, row = array.shape[0], int(np.prod(array.shape[1:], dtype=np.int64))
    step = max(1, CHUNK // max(1, row * values.itemsize))
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        block = np.zeros((stop - start, *array.shape[1:]), values.dtype)
        if indptr is None:
            chosen = slice(*np.searchsorted(indices, (start, stop)))
            block[indices[chosen] - start] = values[chosen]
        elif indptr.size:
            counts = np.diff(indptr[start : stop + 1])
            chosen = slice(indptr[start], indptr[stop])
            block[np.repeat(np.arange(stop - start), counts), indices[chosen]] = values[chosen]
        if block.size:
            yield block.reshape(-1).view(np.uint8).data
