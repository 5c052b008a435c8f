"""Limits that the file formats set; those that a user can raise are in :mod:`neutral.limits`."""

BYTES_OF_AN_ARRAY = 32
"""Bytes that a file must have for each array beyond the limit ``array-count``; a real array with its name has more."""

MAX_NDIM = 32
"""Dimensions of an array; MXNet supports no more."""

MAX_NAME = 1 << 16
"""Bytes in the name of an array of an NDArray list."""

MAX_NPY_HEADER = 1 << 16
"""Bytes in the header of an .npy array."""

MAX_TENSOR_BYTES = (1 << 63) - 1
"""Bytes in one tensor, zero-length dimensions counted as one: the largest offset of a file."""

MAX_INTEGER_DIGITS = 20
"""Digits of an integer in a symbol: enough for 64 bits. Python's time to parse one is quadratic in its digits."""
