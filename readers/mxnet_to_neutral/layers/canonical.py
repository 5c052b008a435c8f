"""Make the canonical tensors of layers from the source's arrays, such that the arrays can be restored.

A :class:`Recipe` describes how a tensor is made, and how the source's bytes are restored from it. Arrays that cannot be
restored are stored unchanged beside the layers.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Callable, Iterator, Mapping, NamedTuple

from mxnet_to_neutral.arrays import Array
from neutral.dtypes import FLOATING, ITEM_SIZE
from neutral.errors import MismatchError
from neutral.graph import Origin
from neutral.source import Piece
from neutral.tensor import FileRange, Tensor, lazy_tensor
from neutral.values import cast_to

if TYPE_CHECKING:
    import numpy as np


class Recipe(NamedTuple):
    """The canonical tensor of a role, and its computation from the source's arrays.

    Attributes:
        origin: The arrays' names and the rule of the computation; equal origins have equal tensors.
        arrays: The source's arrays.
        tensor: The canonical tensor.
        permutation: The permutation of the tensor's axes that restores the array; None if their bytes are equal.
        lossless: Whether the arrays can be restored from the tensor.
    """

    origin: Origin
    arrays: tuple[Array, ...]
    tensor: Tensor
    permutation: tuple[int, ...] | None = None
    lossless: bool = True


def identity(array: Array, shape: tuple[int, ...] | None = None) -> Recipe:
    """Return an array unchanged, or reshaped.

    Args:
        array: The array.
        shape: A shape with as many elements; None for the array's.

    Returns:
        A recipe of the array's dtype, and of the given shape.
    """
    if array.plain and shape is None:
        return Recipe(Origin((array.name,), "identity"), (array,), array.stored)
    rule, tensor = array.rule, array.tensor()
    if shape is not None and shape != array.shape:
        rule, tensor = f"reshape {array.shape} to {shape}", tensor._replace(shape=shape)
    if array.fortran_order:
        back = tuple(reversed(range(len(array.shape))))
        return Recipe(_origin("transpose", array), (array,), tensor, permutation=back)
    return Recipe(_origin(rule, *array.sources), array.sources, tensor, lossless=array.plain)


def _origin(rule: str, *arrays: Array) -> Origin:
    return Origin(tuple([array.name for array in arrays]), rule)


def transpose(array: Array, axes: tuple[int, ...]) -> Recipe:
    """Return an array with its axes permuted.

    Args:
        array: The array.
        axes: The permutation, as for ``numpy.transpose``.

    Returns:
        A recipe whose extent of axis ``i`` is the array's of axis ``axes[i]``.
    """
    source = array.tensor()
    back = tuple(axes.index(axis) for axis in range(len(axes)))
    shape = tuple(array.shape[axis] for axis in axes)
    return Recipe(
        _origin(f"transpose {' '.join(map(str, axes))}", *array.sources),
        array.sources,
        _changed(source, shape, lambda values: values.transpose(axes)),
        permutation=back,
        lossless=array.plain,
    )


def slice_vector(array: Array, start: int, shape: tuple[int, ...]) -> Recipe:
    """Return a range of a packed vector as a tensor.

    Args:
        array: The vector.
        start: The first element.
        shape: The tensor's shape.

    Returns:
        A recipe of the vector's dtype; its elements are a byte range of the file.

    Raises:
        MismatchError: The vector is sparse or stored in column-major order.
    """
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: a packed vector must be dense and in row-major order.")
    size, begin = prod(shape), start * ITEM_SIZE[array.dtype]
    content = array.stored.only_range.part(begin, size * ITEM_SIZE[array.dtype])
    tensor = Tensor(array.dtype, shape, (content,))
    return Recipe(_origin(f"slice {start}:{start + size}", array), (array,), tensor)


def concatenate(arrays: tuple[Array, ...]) -> Recipe:
    """Return arrays concatenated along axis 0.

    Args:
        arrays: Arrays of one dtype, whose shapes differ only on axis 0.

    Returns:
        A recipe whose first extent is the sum of the arrays'.

    Raises:
        MismatchError: The arrays do not fit together, or one is sparse or stored in column-major order.
    """
    first = arrays[0]
    for array in arrays:
        if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype or not array.plain:
            raise MismatchError(
                f"arrays {first.name!r} and {array.name!r} are parts of one matrix but do not fit together: "
                f"{first.dtype} {first.shape} and {array.dtype} {array.shape}."
            )
    shape = (sum(array.shape[0] for array in arrays), *first.shape[1:])
    content = tuple([array.stored.only_range for array in arrays])
    return Recipe(_origin("concatenate", *arrays), arrays, Tensor(first.dtype, shape, content))


def reorder_blocks(array: Array, order: tuple[int, ...]) -> Recipe:
    """Return an array with the equal blocks of its first axis, such as gates, in another order.

    Args:
        array: The array.
        order: For each block of the result the number of the array's block.

    Returns:
        A recipe of the array's shape and dtype.

    Raises:
        MismatchError: The array is sparse or stored in column-major order.
    """
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: gates to be reordered must be dense and in row-major order.")
    whole = array.stored.only_range
    size = whole.nbytes // len(order)
    content = tuple(whole.part(block * size, size) for block in order)
    return Recipe(
        _origin(f"blocks {' '.join(map(str, order))}", array), (array,), array.stored._replace(content=content)
    )


def ones(array: Array) -> Recipe:
    """Return ones of an array's shape and dtype, for arrays whose values MXNet ignores.

    Args:
        array: The array whose values are ignored.

    Returns:
        A recipe that is not lossless: the array's own values are kept apart.
    """
    return Recipe(_origin("ones", array), (array,), _ones(array.tensor()), lossless=False)


def repeat(array: Array, times: int) -> Recipe:
    """Return a vector with every element repeated, which turns a value per group into a value per channel.

    Args:
        array: The vector.
        times: How often each element is repeated.

    Returns:
        A recipe of shape (n × ``times``,), for a vector of n elements.
    """
    tensor = array.tensor()
    shape = (array.shape[0] * times,)
    return Recipe(
        _origin(f"repeat {times}", array),
        (array,),
        _changed(tensor, shape, lambda values: values.repeat(times)),
        lossless=False,
    )


def stored_ranges(recipes: Mapping[str, Recipe]) -> Iterator[tuple[FileRange, Piece]]:
    """Yield the ranges of the source that can be restored from stored tensors.

    Args:
        recipes: The recipes of the stored tensors by key.

    Yields:
        The range in the source's file, and the part of the tensor with these bytes, permuted if need be.
    """
    for key, recipe in recipes.items():
        if not recipe.lossless:
            continue
        if recipe.permutation is not None:
            yield recipe.arrays[0].stored.only_range, Piece(key, recipe.permutation)
            continue
        content = recipe.tensor.content
        assert isinstance(content, tuple)
        if len(content) == 1:
            yield content[0], Piece(key)
            continue
        position = 0
        for part in content:
            yield part, Piece(key, start=position, nbytes=part.nbytes)
            position += part.nbytes


def _changed(source: Tensor, shape: tuple[int, ...], change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """Return a tensor whose values are computed from another one's when they are needed."""
    return lazy_tensor(source.dtype, shape, lambda: change(source.numpy()))


def _ones(like: Tensor) -> Tensor:
    def make() -> np.ndarray:
        import numpy as np

        return np.ones(like.shape, np.float32)

    if like.dtype in FLOATING:
        return lazy_tensor(like.dtype, like.shape, lambda: cast_to(make(), like.dtype))
    return lazy_tensor(like.dtype, like.shape, make)
