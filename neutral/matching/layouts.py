"""Layouts of roles in the tensors of a module: transposed matrices, parts of stacked ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Mapping, Sequence, Tuple

from neutral.dtypes import NUMPY_DTYPE
from neutral.tensor import Tensor, lazy_tensor

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class TensorLayout:
    """The elements of a tensor that are a role, as a strided view; by default all of them, as they are.

    Attributes:
        role_shape: The role's shape; None for the tensor's own.
        tensor_shape: The tensor's shape.
        offset: The position of the role's first element in the contiguous tensor.
        sizes: The extents of the view, whose elements in C order are the role's.
        strides: The distances in elements between neighbours along each axis of the view.

    Example:
        >>> print(TensorLayout((4, 3), (3, 4), 0, (4, 3), (1, 4)))
        transposed
    """

    role_shape: tuple[int, ...] | None = None
    tensor_shape: tuple[int, ...] = ()
    offset: int = 0
    sizes: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the role is the tensor itself."""
        return self.role_shape is None

    @property
    def size(self) -> int:
        """The number of elements of a role that is not the whole tensor."""
        return prod(self.sizes)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the role's shape in a tensor of the given shape.

        Args:
            shape: The shape of the whole tensor.

        Returns:
            The role's shape.
        """
        return shape if self.role_shape is None else self.role_shape

    def as_view(self, shape: tuple[int, ...]) -> TensorLayout:
        """Return the layout as a view also where it is the whole of a tensor of the given shape.

        Args:
            shape: The shape of the whole tensor.

        Returns:
            A layout with ``sizes`` and ``strides``.
        """
        return TensorLayout(shape, shape, 0, (prod(shape),), (1,)) if self.is_whole else self

    def problem(self, shape: tuple[int, ...]) -> str | None:
        """Return why a tensor of the given shape cannot have the layout, None where it can.

        Args:
            shape: The shape of the whole tensor.

        Returns:
            The reason, for a message.
        """
        if self.role_shape is None:
            return None
        if shape != self.tensor_shape:
            return f"it is for a tensor of shape {self.tensor_shape}, not {shape}"
        if len(self.sizes) != len(self.strides) or any(size < 1 for size in self.sizes):
            return f"sizes {self.sizes} and strides {self.strides} are not those of a view"
        if self.size != prod(self.role_shape):
            return f"a view of {self.sizes} does not have the elements of {self.role_shape}"
        reach = [(size - 1) * stride for size, stride in zip(self.sizes, self.strides)]
        first = self.offset + sum(step for step in reach if step < 0)
        last = self.offset + sum(step for step in reach if step > 0)
        if first < 0 or last >= prod(shape):
            return f"elements {first} to {last} are not all in a tensor of shape {shape}"
        return None if _is_injective(self.sizes, self.strides) else f"strides {self.strides} repeat elements"

    def __str__(self) -> str:
        if self.role_shape is None:
            return "as it is"
        shape = self.tensor_shape
        row, count = prod(shape[1:]), prod(shape)
        is_block, is_transposed = self.strides in ((1,), ()), len(shape) > 1 and self.strides == (1, row)
        if is_transposed and self.sizes[0] == row and self.offset % row == 0:
            return "transposed" if self.size == count else f"transposed {_rows(self.offset, self.size, row)}"
        if is_block and self.size == count:
            return f"reshaped from {shape}"
        if is_block and row and self.offset % row == 0 and self.size % row == 0:
            return _rows(self.offset, self.size, row)
        if len(shape) == 2 and self.role_shape == shape and self._row_reach() < row:
            return f"with columns permuted: sizes {self.sizes}, strides {self.strides}"
        return f"a view of {shape}: offset {self.offset}, sizes {self.sizes}, strides {self.strides}"

    def _row_reach(self) -> int:
        """Return the distance from the first element of the first row to the farthest of that row."""
        left, reach = prod((self.role_shape or ())[1:]), 0
        for size, stride in zip(reversed(self.sizes), reversed(self.strides)):
            part = min(size, left)
            reach += (part - 1) * abs(stride)
            left //= part
        return reach

    def view(self, array: np.ndarray) -> np.ndarray:
        """Return the view of a contiguous array that is the role, with the shape ``sizes``.

        Args:
            array: A C-contiguous array of the whole tensor.

        Returns:
            A view, not a copy, of the shape ``sizes``.
        """
        from numpy.lib.stride_tricks import as_strided

        flat = array.reshape(-1)
        strides = tuple(stride * flat.itemsize for stride in self.strides)
        return as_strided(flat[self.offset :], self.sizes, strides)

    def extract(self, tensor: Tensor) -> Tensor:
        """Return the role's tensor, read from the tensor that has this layout when it is needed.

        Args:
            tensor: The whole tensor.

        Returns:
            A tensor of the role's shape and the same dtype.
        """
        role_shape = self.role_shape
        if role_shape is None:
            return tensor
        return lazy_tensor(tensor.dtype, role_shape, lambda: self.view(tensor.numpy()).reshape(role_shape))

    def to_dict(self) -> dict[str, Any]:
        """Return the layout's table in the file of a plan.

        Returns:
            Strings, integers and lists of integers.
        """
        return {
            "layout": str(self),
            "role_shape": list(self.role_shape or ()),
            "tensor_shape": list(self.tensor_shape),
            "offset": self.offset,
            "sizes": list(self.sizes),
            "strides": list(self.strides),
        }

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> TensorLayout:
        """Build a layout from its table.

        Args:
            item: The table, as :meth:`to_dict` gives it.

        Returns:
            The layout; :meth:`problem` tells whether a tensor can have it.

        Raises:
            KeyError: An entry is missing.
            TypeError: An entry is not an integer or not a list of integers.
        """
        role, whole, sizes, strides = (tuple(item[name]) for name in ("role_shape", "tensor_shape", "sizes", "strides"))
        if not all(type(number) is int for number in (item["offset"], *role, *whole, *sizes, *strides)):
            raise TypeError("layouts are integers")
        return cls(role, whole, item["offset"], sizes, strides)

    @classmethod
    def of_indices(cls, indices: np.ndarray, shape: tuple[int, ...]) -> TensorLayout | None:
        """Return the layout of the role whose elements have the given positions.

        Args:
            indices: The position of each element of the role in the contiguous tensor, in the role's shape.
            shape: The tensor's shape.

        Returns:
            None where the positions are not those of a strided view, or repeat.

        Example:
            >>> import numpy as np
            >>> TensorLayout.of_indices(np.arange(12).reshape(3, 4).T, (3, 4)).strides
            (1, 4)
        """
        import numpy as np

        first, role_shape = int(indices.flat[0]) if indices.size else 0, indices.shape
        sizes: list[int] = []
        strides: list[int] = []
        positions = indices.reshape(-1)
        while positions.size > 1:
            stride = int(positions[1] - positions[0])
            breaks = np.flatnonzero(np.diff(positions) != stride)
            size = int(breaks[0]) + 1 if breaks.size else positions.size
            if positions.size % size:
                return None
            rows = positions.reshape(-1, size)
            if (rows != rows[:, :1] + stride * np.arange(size)).any():
                return None
            sizes.insert(0, size)
            strides.insert(0, stride)
            positions = rows[:, 0]
        if not _is_injective(sizes, strides):
            return None
        if role_shape == shape and first == 0 and strides in ([1], []):
            return cls()
        return cls(role_shape, shape, first, tuple(sizes), tuple(strides))


Part = Tuple[TensorLayout, Tensor]
"""A layout, and the tensor that fills it."""


def assemble(parts: Sequence[Part], shape: tuple[int, ...]) -> Tensor:
    """Return the tensor that has the given parts; zeros where it has none.

    Args:
        parts: The parts, of one dtype, whose layouts fit the shape. Where they overlap, the last one is kept.
        shape: The shape of the whole.

    Returns:
        A tensor of the given shape and of the parts' dtype, computed when it is read.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> transposed = TensorLayout((3, 2), (2, 3), 0, (3, 2), (1, 3))
        >>> assemble([(transposed, from_numpy(np.array([[0, 1], [2, 3], [4, 5]])))], (2, 3)).numpy()
        array([[0, 2, 4],
               [1, 3, 5]])
    """
    dtype = parts[0][1].dtype

    def make() -> np.ndarray:
        import numpy as np

        whole = np.zeros(shape, NUMPY_DTYPE[dtype])
        for layout, tensor in parts:
            view = layout.as_view(shape)
            view.view(whole)[...] = tensor.numpy().reshape(view.sizes)
        return whole

    return lazy_tensor(dtype, shape, make)


def _rows(offset: int, size: int, row: int) -> str:
    return f"rows {offset // row}:{(offset + size) // row}"


def _is_injective(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Return whether no two elements of a view have one position; views are nested blocks or taken as not so."""
    reach = 0
    for stride, size in sorted((abs(stride), size) for stride, size in zip(strides, sizes) if size > 1):
        if stride <= reach:
            return False
        reach += stride * (size - 1)
    return True
