"""Convert tensors to numbers that NumPy computes with, and numbers to another dtype, bfloat16 included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from neutral.dtypes import ITEM_SIZE, NUMPY_DTYPE
from neutral.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 18
"""Elements that are in memory at once while values are cast or compared."""


def numeric_values(tensor: Tensor) -> np.ndarray:
    """Return the values of a tensor in a dtype that NumPy computes with.

    Args:
        tensor: The tensor; it is read whole.

    Returns:
        The array; bfloat16 is converted to float32, which is exact.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> numeric_values(from_numpy(np.array([0x3FC0], np.uint16), "BF16"))
        array([1.5], dtype=float32)
    """
    return _widened(tensor.numpy(), tensor.dtype)


def numeric_blocks(tensor: Tensor, elements: int = BLOCK) -> Iterator[np.ndarray]:
    """Read a tensor block by block, so that memory does not depend on its size.

    Args:
        tensor: The tensor.
        elements: The length of a block; the last one may be shorter.

    Returns:
        An iterator over one-dimensional arrays, in the order of the elements; values as of :func:`numeric_values`.

    Raises:
        SourceError: If a file cannot be read, or the content has another size than dtype and shape require.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> [block.tolist() for block in numeric_blocks(from_numpy(np.array([[1, 2], [3, 4], [5, 6]])), 4)]
        [[1, 2, 3, 4], [5, 6]]
    """
    import numpy as np

    size, read = elements * ITEM_SIZE[tensor.dtype], 0
    block = bytearray()
    for chunk in tensor.chunks():
        rest = memoryview(chunk)
        read += len(rest)
        while rest:
            count = min(size - len(block), len(rest))
            block += rest[:count]
            rest = rest[count:]
            if len(block) == size:
                yield _widened(np.frombuffer(block, NUMPY_DTYPE[tensor.dtype]), tensor.dtype)
                block = bytearray()
    tensor.check_content_size(read)
    if block:
        yield _widened(np.frombuffer(block, NUMPY_DTYPE[tensor.dtype]), tensor.dtype)


def cast_tensor(tensor: Tensor, dtype: str) -> Tensor:
    """Return a tensor whose values are cast as they are read, block by block; see :func:`cast_to`.

    Args:
        tensor: A tensor of floating values.
        dtype: The code of the target dtype: ``F16``, ``BF16``, ``F32`` or ``F64``.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> cast_tensor(from_numpy(np.array([1.5, 1e6], np.float32)), "F16").numpy()
        array([1.5, inf], dtype=float16)
    """

    def content() -> Iterator[memoryview]:
        import numpy as np

        for block in numeric_blocks(tensor):
            yield cast_to(block, dtype).view(np.uint8).data

    return Tensor(dtype, tensor.shape, content)


def _widened(array: np.ndarray, dtype: str) -> np.ndarray:
    import numpy as np

    if dtype != "BF16":
        return array
    widened: np.ndarray = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return widened


def cast_to(array: np.ndarray, dtype: str) -> np.ndarray:
    """Cast floating values to a floating dtype, rounded to the nearest, ties to even.

    Args:
        array: Floating values; values out of range become infinite.
        dtype: The code of the target dtype: ``F16``, ``BF16``, ``F32`` or ``F64``.

    Returns:
        The cast array; for ``BF16`` its bits in uint16.

    Example:
        >>> import numpy as np
        >>> hex(cast_to(np.array([1.5], np.float32), "BF16")[0])
        '0x3fc0'
    """
    import numpy as np

    with np.errstate(over="ignore"):
        if dtype != "BF16":
            return array.astype(NUMPY_DTYPE[dtype])
        bits = array.astype(np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    quiet_nan = bits | np.uint32(0x400000)  # rounding must not carry a not-a-number into infinity
    upper_halves: np.ndarray = np.where(np.isnan(bits.view(np.float32)), quiet_nan, rounded) >> np.uint32(16)
    return upper_halves.astype(np.uint16)
