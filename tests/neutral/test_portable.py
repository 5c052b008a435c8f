"""Reading at an offset and locks on systems without the calls of POSIX."""

from __future__ import annotations

import os
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from neutral import portable


def test_reading_at_an_offset_without_pread_is_safe_in_threads(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * 64)
    descriptor = portable.open_to_read(str(path))
    wrong: list[int] = []

    def read(start: int) -> None:
        for offset in range(start, 1 << 14, 7):
            if portable._seek_and_read(descriptor, 1, offset) != bytes([offset % 256]):
                wrong.append(offset)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(descriptor)
    assert wrong == []


class Windows(types.SimpleNamespace):
    """The locks of Windows: the first calls fail as if another process held the lock."""

    LK_NBLCK = 2

    def __init__(self, busy: int) -> None:
        super().__init__(busy=busy, calls=[])

    def locking(self, descriptor: int, mode: int, nbytes: int) -> None:
        self.calls.append((mode, nbytes, os.lseek(descriptor, 0, os.SEEK_CUR)))
        self.busy -= 1
        if self.busy >= 0:
            raise PermissionError(13, "another process has locked a portion of the file")


def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: Any, wait: bool) -> None:
    monkeypatch.setattr(portable, "fcntl", None)
    monkeypatch.setattr(portable, "_windows", windows)
    with open(tmp_path / "lock", "wb") as file:
        file.write(b"abc")
        portable.lock_file(file.fileno(), wait)


def test_a_lock_of_windows_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(busy=2)
    locked(tmp_path, monkeypatch, windows, wait=True)
    assert windows.calls == [(2, 1, 0)] * 3


def test_a_lock_of_windows_that_another_process_holds_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BlockingIOError):
        locked(tmp_path, monkeypatch, Windows(busy=1), wait=False)


def test_a_system_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"[Nn]o locks"):
        locked(tmp_path, monkeypatch, None, wait=True)
