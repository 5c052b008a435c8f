"""Values of tensors as numbers, whatever their dtype, and into another dtype. NumPy alone, bfloat16 included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.dtypes import NUMPY_DTYPE
from neutral.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


def numeric_values(tensor: Tensor) -> np.ndarray:
    """The tensor's values in a dtype that NumPy computes with: bfloat16 as float32, exactly."""
    import numpy as np

    array = tensor.numpy()
    if tensor.dtype == "BF16":
        return (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return array


def cast_to(array: np.ndarray, dtype: str) -> np.ndarray:
    """Floating ``array`` in the floating dtype of code ``dtype``, rounded to the nearest, ties to even.

    What is too large becomes infinite. bfloat16 is given as its bits in uint16.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        if dtype != "BF16":
            return array.astype(NUMPY_DTYPE[dtype])
        bits = array.astype(np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    quiet = bits | np.uint32(0x400000)  # rounding must not carry a not-a-number into infinity
    return (np.where(np.isnan(bits.view(np.float32)), quiet, rounded) >> np.uint32(16)).astype(np.uint16)
