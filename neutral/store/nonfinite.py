"""Count the elements that are NaN or infinite while tensors are written."""

from __future__ import annotations

from typing import Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.tensor import Tensor

_EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80, "F32": 0x7F800000, "F64": 0x7FF << 52}
"""The bits of each floating dtype's exponent: all set in NaN and infinity."""


class NonfiniteCounter:
    """Counts the elements of floating tensors that are NaN or infinite, in bytes that others read; see ``Store.save``.

    Args:
        tensors: The tensors by key; they are not read.

    Example:
        >>> import struct
        >>> counter = NonfiniteCounter({"a": Tensor("F32", (2,), ())})
        >>> counter("a", struct.pack("<2f", 0, float("nan")))
        >>> counter.counts
        {'a': 1}
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._counts: dict[str, int] = {}
        self._key, self._rest = "", b""

    def __call__(self, key: str, chunk: bytes | memoryview) -> None:
        """Count the elements in the next bytes of a tensor.

        Args:
            key: The tensor, all of whose bytes come before those of another one.
            chunk: Its next bytes, which may end within an element.
        """
        dtype = self._tensors[key].dtype
        if dtype not in _EXPONENTS:
            return
        data = self._rest + bytes(chunk) if self._rest and key == self._key else bytes(chunk)
        end = len(data) - len(data) % ITEM_SIZE[dtype]
        self._key, self._rest = key, data[end:]
        count = _count(data[:end] if self._rest else data, dtype)
        if count:
            self._counts[key] = self._counts.get(key, 0) + count

    @property
    def counts(self) -> dict[str, int]:
        """The counts so far by key, in the order of the tensors; those without such elements are left out."""
        return {key: self._counts[key] for key in self._tensors if key in self._counts}


def _count(chunk: bytes, dtype: str) -> int:
    """Return the number of elements that are NaN or infinite; NumPy is imported only if some may be."""
    size, exponent = ITEM_SIZE[dtype], _EXPONENTS[dtype]
    high = chunk[size - 1 :: size]
    if not any(byte in high for byte in _HIGH_BYTES[dtype]):
        return 0
    import numpy as np

    bits = np.frombuffer(chunk, f"<u{size}")
    return int(np.count_nonzero(bits & exponent == exponent))


def _high_bytes(exponent: int, size: int) -> list[int]:
    """Return the values of an element's last byte with all the bits that this byte has of the exponent."""
    mask = exponent >> 8 * (size - 1)
    return [byte for byte in range(256) if byte & mask == mask]


_HIGH_BYTES = {dtype: _high_bytes(exponent, ITEM_SIZE[dtype]) for dtype, exponent in _EXPONENTS.items()}
"""Values of the last byte that all NaN and infinite elements have, and few others."""
