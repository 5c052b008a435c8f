"""SHA-256 on another thread: hashing leaves the interpreter lock, so it runs beside the copying."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Iterable, Mapping


def sha256(chunks: Iterable[bytes | memoryview], stopped: Event | None = None) -> str:
    """The digest of a stream, in hexadecimal; a stream that is ``stopped`` is left unfinished."""
    digest = hashlib.sha256()
    for chunk in chunks:
        if stopped is not None and stopped.is_set():
            break
        digest.update(chunk)
    return digest.hexdigest()


class Hashing:
    """Digests by key, made by one thread while the block runs; an error that leaves the block stops it.

    ``known`` are digests that need not be made.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)
        self._pending: dict[str, Future[str]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._stopped = Event()

    def wants(self, key: str) -> bool:
        return key not in self._known

    def put(self, key: str, digest: str) -> None:
        self._known[key] = digest

    def add(self, key: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Hash ``chunks`` on the thread, after those that were added before."""
        self._pending[key] = self._pool.submit(sha256, chunks, self._stopped)

    def results(self) -> dict[str, str]:
        """Every digest, once all are there. Raises what reading a stream raised."""
        self._known.update((key, future.result()) for key, future in self._pending.items())
        self._pending.clear()
        return self._known

    def __enter__(self) -> Hashing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stopped.set()
        self._pool.shutdown()
