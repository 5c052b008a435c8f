"""From an array of the source to the canonical tensor of a role, and back.

A :class:`Recipe` says how the canonical tensor is made and how the source's bytes are found again in what is stored.
Where they cannot be, the original arrays are kept under ``source.`` keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterator, Mapping, NamedTuple

from mxnet_to_neutral.arrays import ArrayFile, ArrayRecord, Block
from neutral.errors import MismatchError, UnsupportedError
from neutral.store.store import Piece
from neutral.tensor import CHUNK, ITEM_SIZE, FileRange, Tensor, computed
from neutral.values import FLOATING, stored_as

if TYPE_CHECKING:
    import numpy as np

DENSE_LIMIT = 1 << 30
"""Bytes that a sparse array may always have when made dense; beyond it, DENSE_GROWTH times its file's size."""

DENSE_GROWTH = 1024


@dataclass(frozen=True)
class Array:
    """An array of the source: its record and the file that holds it."""

    record: ArrayRecord
    file: ArrayFile

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.record.shape

    def block(self, block: Block) -> FileRange:
        return FileRange(self.path, block.offset, block.nbytes)

    def blocks(self) -> dict[str, Block]:
        """The stretches of raw data by what they hold."""
        record = self.record
        named = {"data": record.data, "indices": record.indices, "indptr": record.indptr}
        return {name: block for name, block in named.items() if block is not None}

    @property
    def plain(self) -> bool:
        """Whether the file holds the values themselves, row by row, ready to be used."""
        return self.record.storage == "dense" and not self.record.fortran_order and self.record.dtype != "BOOL"

    @property
    def rule(self) -> str:
        """What the store calls the making of the values."""
        return "dense" if self.record.storage in ("row_sparse", "csr") else "identity"

    @property
    def sources(self) -> tuple[Array, ...]:
        """The arrays of the file that the values come from."""
        return (self,)

    def tensor(self) -> Tensor:
        """The array's values in full, C-contiguous: sparse arrays dense, booleans 0 or 1."""
        record = self.record
        if record.storage in ("row_sparse", "csr"):
            return _dense(self)
        assert record.data is not None
        content = self.block(record.data)
        if record.fortran_order:
            stored = Tensor(record.dtype, record.shape[::-1], (content,))
            return _changed(stored, record.shape, lambda array: array.T)
        if record.dtype == "BOOL":
            return Tensor("BOOL", record.shape, lambda: _as_booleans(content))
        return Tensor(record.dtype, record.shape, (content,))


class Recipe(NamedTuple):
    """How a role's tensor is made from arrays.

    ``make`` gives the tensor. ``rule`` is its name in the store. ``permutation`` takes the stored axes back to the
    source's, None where the bytes are the same; ``lossless`` says that the bytes can be found again that way.
    ``start`` is the offset in bytes, within the one array, that the tensor begins at. ``order`` are the blocks of the
    array that the tensor consists of, where they are in another order.
    """

    rule: str
    arrays: tuple[Array, ...]
    make: Callable[[], Tensor]
    permutation: tuple[int, ...] | None = None
    lossless: bool = True
    start: int = 0
    order: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the source calls the arrays."""
        return tuple([array.name for array in self.arrays])

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for recipes that give the same tensor."""
        return (self.rule, self.names, self.start)


def identity(array: Array, shape: tuple[int, ...] | None = None) -> Recipe:
    """The array as it is, or with the same elements under another shape."""
    rule, make = array.rule, array.tensor
    if shape is not None and shape != array.shape:
        rule, make = f"reshape {array.shape} to {shape}", lambda: array.tensor()._replace(shape=shape)
    if array.record.fortran_order:
        back = tuple(reversed(range(len(array.shape))))
        return Recipe("transpose", (array,), make, permutation=back)
    return Recipe(rule, array.sources, make, lossless=array.plain)


def transpose(array: Array, axes: tuple[int, ...]) -> Recipe:
    """The array with its axes permuted as by ``numpy.transpose``."""
    source = array.tensor()
    back = tuple(axes.index(axis) for axis in range(len(axes)))
    shape = tuple(array.shape[axis] for axis in axes)
    return Recipe(
        f"transpose {' '.join(map(str, axes))}",
        array.sources,
        lambda: _changed(source, shape, lambda values: values.transpose(axes)),
        permutation=back,
        lossless=array.plain,
    )


def part(array: Array, start: int, shape: tuple[int, ...]) -> Recipe:
    """A stretch of a packed vector: ``start`` in elements, shaped ``shape``."""
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: a packed vector has to be dense and row by row.")
    assert array.record.data is not None
    item = ITEM_SIZE[array.record.dtype]
    tensor = Tensor(array.record.dtype, shape, ())
    content = FileRange(array.path, array.record.data.offset + start * item, tensor.nbytes)
    return Recipe(
        f"slice {start}:{start + tensor.size}",
        (array,),
        lambda: Tensor(array.record.dtype, shape, (content,)),
        start=start * item,
    )


def concatenate(arrays: tuple[Array, ...]) -> Recipe:
    """Arrays one after the other along the first axis."""
    first = arrays[0]
    for array in arrays:
        if array.shape[1:] != first.shape[1:] or array.record.dtype != first.record.dtype or not array.plain:
            raise MismatchError(
                f"arrays {first.name!r} and {array.name!r} belong to one matrix but have shapes {first.shape} and "
                f"{array.shape} of {first.record.dtype} and {array.record.dtype}."
            )
    shape = (sum(array.shape[0] for array in arrays), *first.shape[1:])
    parts = tuple(array.block(array.record.data) for array in arrays if array.record.data is not None)
    return Recipe("concatenate", arrays, lambda: Tensor(first.record.dtype, shape, parts))


def reorder(array: Array, order: tuple[int, ...]) -> Recipe:
    """The array with equal blocks of its first axis in another order: block ``order[0]`` first."""
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: gates that are put in order have to be dense and row by row.")
    tensor = array.tensor()
    assert array.record.data is not None
    size = tensor.nbytes // len(order)
    begin = array.record.data.offset
    content = tuple(FileRange(array.path, begin + block * size, size) for block in order)
    rule = f"blocks {' '.join(map(str, order))}"
    return Recipe(rule, (array,), lambda: Tensor(tensor.dtype, tensor.shape, content), order=order)


def ones(array: Array) -> Recipe:
    """Ones of the array's shape: what the source computes with instead of the stored values."""
    tensor = array.tensor()
    return Recipe("ones", (array,), lambda: _ones(tensor), lossless=False)


def repeat(array: Array, times: int) -> Recipe:
    """Every element ``times`` times: one value a group becomes one a channel."""
    tensor = array.tensor()
    shape = (array.shape[0] * times,)
    return Recipe(
        f"repeat {times}",
        (array,),
        lambda: _changed(tensor, shape, lambda values: values.repeat(times)),
        lossless=False,
    )


def pieces_of(recipes: Mapping[str, Recipe]) -> Iterator[tuple[str, Block, Piece]]:
    """For the stored tensors (key to recipe): (array name, block, piece) for every block whose bytes they hold."""
    for key, recipe in recipes.items():
        if not recipe.lossless:
            continue
        joined = len(recipe.arrays) > 1
        position = 0
        for array in recipe.arrays:
            block = array.record.data
            if block is None:
                continue
            if joined:
                yield array.name, block, Piece(key, start=position, nbytes=block.nbytes)
                position += block.nbytes
            elif recipe.order:
                size, rows = block.nbytes // len(recipe.order), array.shape[0] // len(recipe.order)
                for position, number in enumerate(recipe.order):
                    part = Block(block.offset + number * size, size, block.dtype, (rows, *array.shape[1:]))
                    yield array.name, part, Piece(key, start=position * size, nbytes=size)
            elif recipe.rule.startswith("slice"):
                begin = block.offset + recipe.start
                tensor = recipe.make()
                yield array.name, Block(begin, tensor.nbytes, tensor.dtype, tensor.shape), Piece(key)
            else:
                yield array.name, block, Piece(key, recipe.permutation)


def _changed(source: Tensor, shape: tuple[int, ...], change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    return computed(source.dtype, shape, lambda: change(source.numpy()))


def _ones(like: Tensor) -> Tensor:
    def make() -> np.ndarray:
        import numpy as np

        return np.ones(like.shape, np.float32)

    if like.dtype in FLOATING:
        return computed(like.dtype, like.shape, lambda: stored_as(make(), like.dtype))
    return computed(like.dtype, like.shape, make)


def _as_booleans(content: FileRange) -> Iterator[bytes]:
    """MXNet takes any byte but 0 as true; the store holds 0 and 1 only."""
    table = bytes([0]) + bytes([1]) * 255
    for chunk in content.chunks():
        yield chunk.translate(table)


def _dense(array: Array) -> Tensor:
    """A sparse array in full, made row block by row block."""
    tensor = Tensor(array.record.dtype, array.shape, ())
    limit = max(DENSE_LIMIT, DENSE_GROWTH * array.file.size)
    if tensor.nbytes > limit:
        raise UnsupportedError(
            f"{array.path}: sparse array {array.name!r} of shape {array.shape} would take {tensor.nbytes} bytes when "
            f"made dense; {limit} are allowed for a file of this size."
        )
    return Tensor(array.record.dtype, array.shape, lambda: _dense_rows(array))


def _dense_rows(array: Array) -> Iterator[memoryview]:
    import numpy as np

    from mxnet_to_neutral.arrays import check_indices

    check_indices(array.file, array.record)
    parts = {name: Tensor(b.dtype, b.shape, (array.block(b),)).numpy() for name, b in array.blocks().items()}
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
