"""Round arrays to the fractions of the formats of half precision."""

from __future__ import annotations

import numpy as np

FRACTION_BITS = {"float16": 10, "bfloat16": 7}
"""The bits of the fraction of each format of half precision."""


def round_fraction(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to a shorter fraction, halves to even; exponents keep their range.

    Args:
        values: The values, of any floating dtype.
        bits: The bits of the fraction that are kept.

    Returns:
        A new array of the same shape and dtype.

    Example:
        >>> round_fraction(np.float32([1 + 2**-11, 1 + 3 * 2**-11]), 10).tolist()
        [1.0, 1.001953125]
    """
    fraction, exponent = np.frexp(values)
    with np.errstate(over="ignore"):  # the largest values round to infinity
        rounded: np.ndarray = np.ldexp(np.rint(np.ldexp(fraction, bits + 1)), exponent - bits - 1)
    return rounded
