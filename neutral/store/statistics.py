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


def histogram_of(tensor: Tensor, statistics: Statistics, bins: int = 40) -> tuple[int, ...]:
    """Read a tensor block by block and count its finite elements in intervals of one width.

    Args:
        tensor: The tensor.
        statistics: Its statistics, of which the least and greatest element are the ends of the intervals.
        bins: The number of intervals.

    Returns:
        The counts, in order; one for a tensor whose finite elements are all equal, none if it has none.

    Raises:
        SourceError: If a file cannot be read.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> tensor = from_numpy(np.array([0, 1, 2, 2, 10, np.nan], np.float32))
        >>> histogram_of(tensor, statistics_of(tensor), bins=5)
        (2, 2, 0, 0, 1)
    """
    import numpy as np

    from neutral.values import numeric_blocks

    if statistics.minimum is None or statistics.maximum is None:
        return ()
    if statistics.minimum == statistics.maximum:
        return (tensor.size - statistics.nan - statistics.infinite,)
    least, greatest = statistics.minimum / 2, statistics.maximum / 2  # halves, so that no difference overflows
    counts = np.zeros(bins, np.int64)
    for block in numeric_blocks(tensor):
        values = block[np.isfinite(block)].astype(np.float64) / 2
        shares = (values - least) / (greatest - least) if greatest > least else np.zeros(len(values))
        counts += np.bincount(np.clip(shares * bins, 0, bins - 1).astype(np.int64), minlength=bins)
    return tuple(counts.tolist())
