"""Limits on the files of a checkpoint: files that exceed them are refused before they cost memory or time."""

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

DENSE_TOTAL_LIMIT = 4 << 30
"""Bytes that all sparse arrays of any file may occupy once densified; more are limited by :data:`DENSE_GROWTH`."""

UNPACKED_LIMIT = 1 << 40
"""Bytes that the files of an archive may take when unpacked."""

UNPACKED_BASE = 1 << 30
"""Bytes that the files of any archive may take when unpacked, however small it is."""

UNPACKED_GROWTH = 64
"""Bytes that the files of an archive may take when unpacked beside :data:`UNPACKED_BASE`, for each byte of the archive.

Weights seldom pack to less than half of their size.
"""

MAX_SYMBOL_BYTES = 16 << 20
"""Bytes of the JSON of a symbol, about 100,000 nodes. Parsed, JSON can take twenty times its size."""

MAX_INTEGER_DIGITS = 20
"""Digits of an integer in a symbol: enough for 64 bits. Python's time to parse one is quadratic in its digits."""

MAX_SUBGRAPH_DEPTH = 16
"""Subgraphs within subgraphs of a symbol; nested loops of known models stay below 4."""

MAX_COUNTS = {"num_layers": 1 << 10, "num_outputs": 1 << 16, "num_args": 1 << 16}
"""The largest value of attributes that count layers, outputs or inputs; rules use memory in proportion to them."""

MAX_ITEMS = 1 << 12
"""Items of an attribute that is a tuple; the time that rules take can be quadratic in them."""

MAX_OUTPUTS = 1 << 20
"""Outputs of one node of a symbol."""
