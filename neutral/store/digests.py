"""SHA-256 on another thread: hashing leaves the interpreter lock, so it runs beside the copying."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Dict, Iterable, Mapping


def sha256(chunks: Iterable[bytes | memoryview], stopped: Event | None = None) -> str:
    """The digest of a stream, in hexadecimal; a stream that is ``stopped`` is left unfinished."""
    digest = hashlib.sha256()
    for chunk in chunks:
        if stopped is not None and stopped.is_set():
            break
        digest.update(chunk)
    return digest.hexdigest()


class Digests(Dict[str, str]):
    """Digests by key: those that are known, and more made by one thread while the block runs.

    An error that leaves the block stops the thread.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__(known)
        self._pending: dict[str, Future[str]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._stopped = Event()

    def add(self, key: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Hash ``chunks`` on the thread, after those that were added before."""
        self._pending[key] = self._pool.submit(sha256, chunks, self._stopped)

    def finish(self) -> None:
        """Wait until every digest is there. Raises what reading a stream raised."""
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
