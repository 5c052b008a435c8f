"""Report how many bytes of a long operation are done."""

from __future__ import annotations

from threading import Lock
from typing import Callable, Iterable, Iterator

Progress = Callable[[int, int], None]
"""A callback that gets the bytes done and the bytes in all."""

Observer = Callable[[str, "bytes | memoryview"], None]
"""A callback that gets the key of a tensor and its next bytes while the tensor is written."""


class ByteCounter:
    """Add up the bytes that are done, on any number of threads, and report them.

    Args:
        total: The bytes in all.
        progress: The callback to report to; None: nobody.

    Example:
        >>> counter = ByteCounter(6, lambda done, total: print(f"{done} of {total}"))
        >>> counter.add(2)
        2 of 6
        >>> b"".join(counter.pass_through([b"ab", b"cd"]))
        4 of 6
        6 of 6
        b'abcd'
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def add(self, count: int) -> None:
        """Count further bytes and report the sum, at most the total.

        Args:
            count: The number of further bytes.
        """
        if self._progress is not None:
            with self._lock:
                self._done += count
                self._progress(min(self._done, self._total), self._total)

    def pass_through(self, chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        """Yield the chunks and count each one after its use.

        Args:
            chunks: The bytes to count.

        Returns:
            An iterator over the same chunks.
        """
        for chunk in chunks:
            yield chunk
            self.add(len(chunk))
