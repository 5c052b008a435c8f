"""Standard streams that are closed or cannot be written: one error for the report, silence for messages."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import IO, Any, Iterator

from neutral.errors import NeutralError, TargetError


class ClosedStream(io.TextIOBase):
    """The stand-in for a standard stream that is closed: empty to read, and text that is written to it is dropped."""

    def read(self, size: int | None = -1) -> str:
        """Return no text.

        Args:
            size: The most characters to return; ignored.
        """
        return ""

    def write(self, text: str) -> int:
        """Drop a text.

        Args:
            text: The text.

        Returns:
            Its length.
        """
        return len(text)


class BestEffortStream:
    """A stream of messages, which are dropped once writing fails: no message is worth another failure.

    Args:
        stream: The stream; attributes other than writing are its own.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it.

        Args:
            text: The text.

        Returns:
            The length of the text.
        """
        try:
            self._stream.write(text)
        except OSError:
            discard(self._stream)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, or drop its buffered text."""
        try:
            self._stream.flush()
        except OSError:
            discard(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Put stand-ins in the place of closed streams while the block runs, and let stderr fail in silence.

    The descriptors 0 to 2 are taken, so that no file that the block opens gets one of them: libraries in C write to
    them.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    stdin, stdout, stderr = (ClosedStream() if stream is None else stream for stream in streams)
    for stream in (stdout, stderr):
        if hasattr(stream, "reconfigure"):  # print names that the terminal's encoding lacks as escapes
            stream.reconfigure(errors="backslashreplace")
    sys.stdin, sys.stdout, sys.stderr = stdin, stdout, BestEffortStream(stderr)
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = streams


@contextmanager
def written_out() -> Iterator[None]:
    """Flush stdout after the block.

    Raises:
        TargetError: Writing to stdout fails, other than by its reader closing it.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise TargetError(f"standard output: {error.strerror or error}.") from None


def binary(stream: Any, closed: NeutralError) -> IO[bytes]:
    """Return the bytes under a standard stream.

    Args:
        stream: ``sys.stdin`` or ``sys.stdout``.
        closed: The error to raise if the stream is closed.

    Returns:
        The binary stream.
    """
    if isinstance(stream, ClosedStream):
        raise closed
    buffer: IO[bytes] = stream.buffer
    return buffer


def discard(stream: Any) -> None:
    """Point a stream to the null device: Python flushes it again at exit.

    Args:
        stream: A text stream; nothing changes if it has no descriptor.
    """
    with suppress(OSError, ValueError):  # io.UnsupportedOperation is both
        descriptor = stream.fileno()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, descriptor)
        os.close(nothing)
