"""Find tensors with NaN or infinity."""

from __future__ import annotations

from typing import Iterator, Mapping

from neutral.tensor import Tensor

_EXPONENTS = {"F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80), "F32": ("<u4", 0x7F800000), "F64": ("<u8", 0x7FF << 52)}
"""The unsigned integer of the size of each floating dtype, and its exponent's bits: all set in NaN and infinity."""


def nonfinite_counts(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, int]]:
    """Yield the key of each floating tensor with elements that are NaN or infinite, and their number.

    Args:
        tensors: Tensors by key; their content is read in chunks.

    Yields:
        The key and a count above zero.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> list(nonfinite_counts({"a": from_numpy(numpy.array([0, numpy.nan], "float32"))}))
        [('a', 1)]
    """
    import numpy as np

    for key, tensor in tensors.items():
        if tensor.dtype not in _EXPONENTS:
            continue
        dtype, exponent = _EXPONENTS[tensor.dtype]
        size, count, rest = np.dtype(dtype).itemsize, 0, b""
        for chunk in tensor.chunks():
            if rest or len(chunk) % size:
                chunk = rest + bytes(chunk)
                rest = chunk[len(chunk) - len(chunk) % size :]
            bits = np.frombuffer(chunk, dtype, len(chunk) // size)
            count += int(np.count_nonzero(bits & exponent == exponent))
        if count:
            yield key, count
