"""From an array of the source to the canonical tensor of a role, and back.

A :class:`Recipe` says how the canonical tensor is made and how the source's bytes are found again in what is stored.
Where they cannot be, the original arrays are kept under ``source.`` keys.
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
    """How a role's tensor is made from arrays, which ``origin`` names with the rule; equal origins give equal tensors.

    ``permutation`` takes the stored axes back to the source's, None where the bytes are the same; ``lossless`` says
    that the bytes can be found again that way.
    """

    origin: Origin
    arrays: tuple[Array, ...]
    tensor: Tensor
    permutation: tuple[int, ...] | None = None
    lossless: bool = True


def identity(array: Array, shape: tuple[int, ...] | None = None) -> Recipe:
    """The array as it is, or with the same elements under another shape."""
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
    """The array with its axes permuted as by ``numpy.transpose``."""
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


def part(array: Array, start: int, shape: tuple[int, ...]) -> Recipe:
    """A stretch of a packed vector: ``start`` in elements, shaped ``shape``."""
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: a packed vector has to be dense and row by row.")
    size, begin = prod(shape), start * ITEM_SIZE[array.dtype]
    content = array.stored.only_range.part(begin, size * ITEM_SIZE[array.dtype])
    tensor = Tensor(array.dtype, shape, (content,))
    return Recipe(_origin(f"slice {start}:{start + size}", array), (array,), tensor)


def concatenate(arrays: tuple[Array, ...]) -> Recipe:
    """Arrays one after the other along the first axis."""
    first = arrays[0]
    for array in arrays:
        if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype or not array.plain:
            raise MismatchError(
                f"arrays {first.name!r} and {array.name!r} belong to one matrix but have shapes {first.shape} and "
                f"{array.shape} of {first.dtype} and {array.dtype}."
            )
    shape = (sum(array.shape[0] for array in arrays), *first.shape[1:])
    content = tuple([array.stored.only_range for array in arrays])
    return Recipe(_origin("concatenate", *arrays), arrays, Tensor(first.dtype, shape, content))


def reorder(array: Array, order: tuple[int, ...]) -> Recipe:
    """The array with equal blocks of its first axis in another order: block ``order[0]`` first."""
    if not array.plain:
        raise MismatchError(f"array {array.name!r}: gates that are put in order have to be dense and row by row.")
    whole = array.stored.only_range
    size = whole.nbytes // len(order)
    content = tuple(whole.part(block * size, size) for block in order)
    return Recipe(
        _origin(f"blocks {' '.join(map(str, order))}", array), (array,), array.stored._replace(content=content)
    )


def ones(array: Array) -> Recipe:
    """Ones of the array's shape: what the source computes with instead of the stored values."""
    return Recipe(_origin("ones", array), (array,), _ones(array.tensor()), lossless=False)


def repeat(array: Array, times: int) -> Recipe:
    """Every element ``times`` times: one value a group becomes one a channel."""
    tensor = array.tensor()
    shape = (array.shape[0] * times,)
    return Recipe(
        _origin(f"repeat {times}", array),
        (array,),
        _changed(tensor, shape, lambda values: values.repeat(times)),
        lossless=False,
    )


def pieces_of(recipes: Mapping[str, Recipe]) -> Iterator[tuple[FileRange, Piece]]:
    """Where the bytes of the stored tensors (key to recipe) are in the source, of those that can be found again."""
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
    return lazy_tensor(source.dtype, shape, lambda: change(source.numpy()))


def _ones(like: Tensor) -> Tensor:
    def make() -> np.ndarray:
        import numpy as np

        return np.ones(like.shape, np.float32)

    if like.dtype in FLOATING:
        return lazy_tensor(like.dtype, like.shape, lambda: cast_to(make(), like.dtype))
    return lazy_tensor(like.dtype, like.shape, make)
