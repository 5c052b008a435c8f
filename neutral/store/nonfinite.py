"""Find tensors with NaN or infinity."""

from __future__ import annotations

from threading import Event
from typing import Iterable, Iterator, Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.store.background import Background
from neutral.store.copying import SourceDescriptors
from neutral.tensor import Tensor

_EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80, "F32": 0x7F800000, "F64": 0x7FF << 52}
"""The bits of each floating dtype's exponent: all set in NaN and infinity."""


class NonfiniteScan(Background):
    """Count the elements that are NaN or infinite on another thread, beside work that reads the same files.

    A context manager: the thread ends with the block, at once if an error leaves it.

    Args:
        tensors: Tensors by key.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> with NonfiniteScan({"a": from_numpy(numpy.array([0, numpy.nan], "float32"))}) as scan:
        ...     scan.counts()
        {'a': 1}
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._counts = self._pool.submit(lambda: dict(nonfinite_counts(tensors, self._stopped)))

    def counts(self) -> dict[str, int]:
        """Wait for the end of the scan; raises the error of a tensor that could not be read.

        Returns:
            The counts by key; tensors without such elements are left out.
        """
        return self._counts.result()


def nonfinite_counts(tensors: Mapping[str, Tensor], stopped: Event | None = None) -> Iterator[tuple[str, int]]:
    """Yield the key of each floating tensor with elements that are NaN or infinite, and their number.

    Args:
        tensors: Tensors by key; their content is read in chunks.
        stopped: An event that ends the iteration early.

    Yields:
        The key and a count above zero.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> list(nonfinite_counts({"a": from_numpy(numpy.array([0, numpy.nan], "float32"))}))
        [('a', 1)]
    """
    with SourceDescriptors() as sources:
        for key, tensor in tensors.items():
            if tensor.dtype not in _EXPONENTS:
                continue
            count = 0
            for chunk in _whole_elements(sources.chunks(tensor), ITEM_SIZE[tensor.dtype]):
                if stopped is not None and stopped.is_set():
                    return
                count += _count(chunk, tensor.dtype)
            if count:
                yield key, count


def _whole_elements(chunks: Iterable[bytes | memoryview], size: int) -> Iterator[bytes]:
    """Yield the bytes of chunks, cut between elements of ``size`` bytes."""
    rest = b""
    for chunk in chunks:
        data = rest + bytes(chunk) if rest else bytes(chunk)
        end = len(data) - len(data) % size
        rest = data[end:]
        yield data[:end] if rest else data


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
