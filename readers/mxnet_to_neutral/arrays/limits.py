"""Limits that every parameter file has to respect, and the advice in the errors about files that exceed them."""

MAX_NDIM = 32
"""Dimensions of an array; MXNet supports no more."""

MAX_ARRAYS = 1 << 17
"""Arrays in a file: more than in any known model. Bounds the memory that a crafted file can make the reader use."""

MAX_NAME = 1 << 16
"""Bytes in the name of an array of an NDArray list."""

MAX_NPY_HEADER = 1 << 16
"""Bytes in the header of an .npy array."""

MAX_TENSOR_BYTES = (1 << 63) - 1
"""Bytes in one tensor, zero-length dimensions counted as one: the largest offset of a file."""

DENSE_LIMIT = 1 << 30
"""Bytes that any sparse array may occupy once densified; larger ones are limited by :data:`DENSE_GROWTH`."""

DENSE_GROWTH = 1024
"""Bytes that a sparse array may occupy once densified, for each byte that the file stores of it."""

TRUNCATED = "The file is cut short or damaged: get it again."
DAMAGED = "The file is damaged, or was not written by MXNet: get it again."
