"""Compute SHA-256 digests on another thread: hashing releases the interpreter lock and runs beside the copying."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Dict, Iterable, Mapping


def sha256(chunks: Iterable[bytes | memoryview], stopped: Event | None = None) -> str:
    """Return the digest of a stream in hexadecimal.

    Args:
        chunks: The bytes of the stream.
        stopped: An event that ends the computation early; the result is then meaningless.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> sha256([b"neu", b"tral"])[:8]
        '7e2372f4'
    """
    digest = hashlib.sha256()
    for chunk in chunks:
        if stopped is not None and stopped.is_set():
            break
        digest.update(chunk)
    return digest.hexdigest()


class Digests(Dict[str, str]):
    """SHA-256 digests by key, to which one thread adds more.

    A context manager: the thread ends with the block, at once if an error leaves it.

    Args:
        known: Digests that need not be computed.

    Example:
        >>> with Digests({"a": "0" * 64}) as digests:
        ...     digests.add("b", [b"x"])
        ...     digests.finish()
        ...     sorted(digests)
        ['a', 'b']
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__(known)
        self._pending: dict[str, Future[str]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._stopped = Event()

    def add(self, key: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Hash a stream on the thread, after those that were added before.

        Args:
            key: The key of the digest.
            chunks: The bytes of the stream; read by the thread.
        """
        self._pending[key] = self._pool.submit(sha256, chunks, self._stopped)

    def finish(self) -> None:
        """Wait for all digests; raises the error of a stream that could not be read."""
        self.update((key, future.result()) for key, future in self._pending.items())
        self._pending.clear()

    def __enter__(self) -> Digests:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stopped.set()
        self._pool.shutdown()
