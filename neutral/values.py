"""Convert tensors to numbers that NumPy computes with, and numbers to another dtype, bfloat16 included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.dtypes import NUMPY_DTYPE
from neutral.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


def numeric_values(tensor: Tensor) -> np.ndarray:
    """Return the values of a tensor in a dtype that NumPy computes with.

    Returns:
        The array; bfloat16 is converted to float32, which is exact.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> numeric_values(from_numpy(np.array([0x3FC0], np.uint16), "BF16"))
        array([1.5], dtype=float32)
    """
    import numpy as np

    array = tensor.numpy()
    if tensor.dtype == "BF16":
        widened: np.ndarray = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return widened
    return array


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
