"""A file for libraries that cannot bear errors: it works as any file, and keeps the first error for its owner."""

from __future__ import annotations

import errno
import io
import os
from typing import Any, Callable

import pytest

from neutral.store.error_keeping_file import ErrorKeepingFile

OPERATIONS: dict[str, Callable[[Any], object]] = {
    "write": lambda file: file.write(b"abc"),
    "read": lambda file: file.read(3),
    "readinto": lambda file: file.readinto(memoryview(bytearray(b"xyz"))),
    "truncate": lambda file: file.truncate(3),
    "flush": lambda file: file.flush(),
}


class FailingFile(io.BytesIO):
    """A file whose operations all fail with ``error``, and are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.count = 0

    def _fail(self, *arguments: Any) -> Any:
        self.count += 1
        raise self.error

    write = read = truncate = flush = _fail


def results(file: Any) -> list[object]:
    """Return the results of a series of calls, with the position after each."""
    buffer = bytearray(4)
    calls: list[Callable[[], object]] = [
        lambda: file.write(b"0123456789"),
        lambda: file.write(memoryview(b"abcd").cast("H")),
        lambda: file.seek(3),
        lambda: file.read(4),
        lambda: file.seek(-2, os.SEEK_CUR),
        lambda: file.write(b"--"),
        lambda: file.seek(-4, os.SEEK_END),
        lambda: file.readinto(memoryview(buffer)),
        lambda: file.read(),
        lambda: file.truncate(6),
        lambda: file.seek(0),
        lambda: file.read(100),
        lambda: file.seek(2),
        lambda: file.truncate(),
        lambda: file.seek(0, os.SEEK_END),
        lambda: file.flush(),
        lambda: bytes(buffer),
    ]
    return [(call(), file.tell()) for call in calls]


def test_without_errors_it_does_what_a_file_does() -> None:
    plain, target = io.BytesIO(), io.BytesIO()
    file = ErrorKeepingFile(target)
    assert results(file) == results(plain)
    assert target.getvalue() == plain.getvalue() == b"01"
    file.check()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_failed_call_answers_as_if_it_had_succeeded(name: str) -> None:
    target = FailingFile()
    file = ErrorKeepingFile(target)  # type: ignore[arg-type]
    assert OPERATIONS[name](file) == {"read": bytes(3), "flush": None}.get(name, 3)
    with pytest.raises(OSError, match="No space left") as raised:
        file.check()
    assert raised.value is target.error


@pytest.mark.parametrize("name", OPERATIONS)
def test_after_an_error_the_file_is_left_alone_and_the_first_error_stays(name: str) -> None:
    target = FailingFile()
    file = ErrorKeepingFile(target)  # type: ignore[arg-type]
    OPERATIONS[name](file)
    first, target.error = target.error, KeyboardInterrupt()
    for operation in OPERATIONS.values():
        operation(file)
    assert target.count == 1
    with pytest.raises(OSError, match="No space left") as raised:
        file.check()
    assert raised.value is first
