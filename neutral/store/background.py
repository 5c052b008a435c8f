"""A thread that works beside the caller."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import TypeVar

_Self = TypeVar("_Self", bound="Background")


class Background:
    """A thread for work beside the caller's.

    A context manager: the thread ends with the block, at once if an error leaves it; work looks at ``_stopped``.

    Example:
        >>> with Background() as background:
        ...     background._pool.submit(sum, (1, 2)).result()
        3
    """

    def __init__(self) -> None:
        self._stopped = Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stopped.set()
        self._pool.shutdown()
