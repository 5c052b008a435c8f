"""Statistics of the values of a tensor, in constant memory."""

from __future__ import annotations

import math
from typing import NamedTuple

from neutral.tensor import Tensor


class Statistics(NamedTuple):
    """The statistics of a tensor's elements.

    Attributes:
        minimum: The least finite element; None if there is none.
        maximum: The greatest finite element; None if there is none.
        mean: The mean of the finite elements; None if there is none.
        nan: The number of elements that are not a number.
        infinite: The number of infinite elements.
        zeros: The number of zeros.

    Example:
        >>> Statistics(0.0, 2.0, 1.0, 0, 0, 1).zeros
        1
    """

    minimum: float | None
    maximum: float | None
    mean: float | None
    nan: int
    infinite: int
    zeros: int


def statistics_of(tensor: Tensor) -> Statistics:
    """Read a tensor block by block and return its statistics.

    Args:
        tensor: The tensor.

    Returns:
        The statistics; the mean is that of the elements as float64, summed exactly over blocks.

    Raises:
        SourceError: If a file cannot be read.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> statistics_of(from_numpy(np.array([0, 1, 5, np.nan, np.inf], np.float32)))
        Statistics(minimum=0.0, maximum=5.0, mean=2.0, nan=1, infinite=1, zeros=1)
    """
    import numpy as np

    from neutral.values import numeric_blocks

    least, greatest, sums = math.inf, -math.inf, []
    count = nan = infinite = zeros = 0
    for block in numeric_blocks(tensor):
        zeros += block.size - int(np.count_nonzero(block))
        if block.dtype.kind == "f":
            is_nan, is_infinite = np.isnan(block), np.isinf(block)
            nan += int(np.count_nonzero(is_nan))
            infinite += int(np.count_nonzero(is_infinite))
            block = block[~(is_nan | is_infinite)]
        if block.size:
            least, greatest = min(least, block.min().item()), max(greatest, block.max().item())
            with np.errstate(over="ignore"):
                sums.append(float(block.sum(dtype=np.float64)))
            count += block.size
    if not count:
        return Statistics(None, None, None, nan, infinite, zeros)
    return Statistics(least, greatest, math.fsum(sums) / count, nan, infinite, zeros)
