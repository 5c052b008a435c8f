"""Convert stored elements to dense, row-major tensors: sparse arrays, column-major arrays and booleans."""

from __future__ import annotations

from typing import Iterable, Iterator

from mxnet_to_neutral.arrays.sparse import SparseParts, check_indices
from neutral import limits
from neutral.errors import UnsupportedError
from neutral.tensor import CHUNK, Tensor, lazy_tensor


def to_row_major(stored: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the tensor of ``shape`` whose elements ``stored`` holds in column-major (Fortran) order.

    Args:
        stored: The elements as stored; its own shape is ignored.
        shape: The shape of the result, in elements.

    Returns:
        A tensor of the same dtype; its elements are read and reordered when it is read.
    """
    columns = stored._replace(shape=shape[::-1])
    return lazy_tensor(stored.dtype, shape, lambda: columns.numpy().T)


def normalize_booleans(stored: Tensor) -> Tensor:
    """Return the tensor with every byte but 0 replaced by 1: MXNet reads any of them as true, a store holds 0 and 1.

    Args:
        stored: A tensor of one byte per element.

    Returns:
        A tensor of dtype ``BOOL`` and the same shape, converted chunk by chunk when it is read.
    """
    table = bytes([0]) + bytes([1]) * 255
    return Tensor("BOOL", stored.shape, lambda: (bytes(chunk).translate(table) for chunk in stored.chunks()))


def densify(sparse: SparseParts) -> Tensor:
    """Return the dense tensor of a sparse array; its bytes are made in blocks of rows when it is read.

    Args:
        sparse: The parts of a ``row_sparse`` or ``csr`` array; its indices are not checked here.

    Returns:
        A tensor of the array's shape and of the dtype of its stored elements, 0 where nothing is stored.

    Raises:
        UnsupportedError: The dense tensor would exceed the limits of :mod:`neutral.limits`.
    """
    tensor = Tensor(sparse.data.dtype, sparse.shape, lambda: _dense_blocks(sparse))
    limit = max(limits.DENSE_BYTES.value, limits.DENSE_GROWTH.value * sparse.nbytes)
    if tensor.nbytes > limit:
        raise UnsupportedError(
            f"{sparse.data.only_range.path}: sparse array {sparse.name!r} of shape {sparse.shape} would take "
            f"{tensor.nbytes} bytes as a dense array; at most {limit} are allowed for the {sparse.nbytes} bytes "
            f"stored. {limits.DENSE_BYTES.advice}"
        )
    return tensor


def check_dense_total(path: str, sizes: Iterable[tuple[int, int]]) -> None:
    """Refuse a file whose sparse arrays would together occupy too much as dense arrays.

    Args:
        path: The file, for the message.
        sizes: For each sparse array the bytes of the dense array, and those that the file stores of it.

    Raises:
        UnsupportedError: The total exceeds the limits of :mod:`neutral.limits`.

    Example:
        >>> check_dense_total("model.params", [(1 << 30, 80), (1 << 30, 80)])
    """
    pairs = list(sizes)
    total, stored = sum(dense for dense, _ in pairs), sum(stored for _, stored in pairs)
    limit = max(limits.DENSE_TOTAL_BYTES.value, limits.DENSE_GROWTH.value * stored)
    if total > limit:
        raise UnsupportedError(
            f"{path}: {len(pairs)} sparse arrays would take {total} bytes as dense arrays; at most {limit} are allowed "
            f"for the {stored} bytes stored. {limits.DENSE_TOTAL_BYTES.advice}"
        )


def _dense_blocks(sparse: SparseParts) -> Iterator[memoryview]:
    """Yield the bytes of the dense tensor, about :data:`CHUNK` at a time."""
    import numpy as np

    check_indices(sparse)
    values, indices = sparse.data.numpy(), sparse.indices.numpy()
    indptr = None if sparse.indptr is None else sparse.indptr.numpy()
    rows, row_size = sparse.shape[0], int(np.prod(sparse.shape[1:], dtype=np.int64))
    step = max(1, CHUNK // max(1, row_size * values.itemsize))
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        block = np.zeros((stop - start, *sparse.shape[1:]), values.dtype)
        if indptr is None:
            chosen = slice(*np.searchsorted(indices, (start, stop)))
            block[indices[chosen] - start] = values[chosen]
        elif indptr.size:
            counts = np.diff(indptr[start : stop + 1])
            chosen = slice(indptr[start], indptr[stop])
            block[np.repeat(np.arange(stop - start), counts), indices[chosen]] = values[chosen]
        if block.size:
            yield block.reshape(-1).view(np.uint8).data
