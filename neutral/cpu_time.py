"""Limit the CPU time of a block of code."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Iterator

from neutral.errors import NeutralError


@contextmanager
def limited_cpu_time(seconds: float, error: NeutralError) -> Iterator[None]:
    """Raise an error when a block has used more CPU time than it may.

    Signals interrupt the block, so its time is limited in the main thread alone, and not on Windows.

    Args:
        seconds: The CPU time of this process that the block may use, without that of system calls.
        error: The exception that is raised then.

    Raises:
        NeutralError: ``error``, from within the block.

    Example:
        >>> from neutral.errors import UsageError
        >>> with limited_cpu_time(0.01, UsageError("it takes too long")):
        ...     while True:
        ...         pass
        Traceback (most recent call last):
        neutral.errors.UsageError: it takes too long
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise error

    former = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)
