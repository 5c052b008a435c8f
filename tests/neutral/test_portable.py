"""The verbs work on systems without the calls that Windows lacks, here by taking those away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from neutral import portable
from samples import sample_store

WITHOUT = """
import os, sys
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
for name in ("pread", "preadv", "pwrite", "fdatasync", "copy_file_range", "sendfile", "fork", "register_at_fork",
             "posix_fallocate", "sched_getaffinity", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "getuid", "geteuid"):
    if hasattr(os, name):
        delattr(os, name)
from neutral.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Runs the command line without modules and functions of POSIX."""


def run_without(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT, *words], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "a.safetensors"),
        ("check", "--data", "a.safetensors"),
        ("convert", "a.safetensors", "b.safetensors"),
        ("diff", "a.safetensors", "a.safetensors"),
        ("restore", "a.safetensors", "-o", "restored"),
        ("slice", "a.safetensors", "fc", "-o", "b.safetensors"),
    ],
    ids=lambda words: words[0],
)
def test_a_verb_gives_the_same_files_and_lines(tmp_path: Path, words: tuple[str, ...]) -> None:
    results = []
    for name in ("with", "without"):
        folder = tmp_path / name
        folder.mkdir()
        sample_store(tmp_path).save(folder / "a.safetensors")
        run = (
            run_without(folder, *words)
            if name == "without"
            else subprocess.run([sys.executable, "-m", "neutral", *words], cwd=folder, capture_output=True, text=True)
        )
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        results.append((run.returncode, run.stdout, run.stderr, files))
    assert results[0] == results[1]
    assert "fault" not in results[0][2]


def test_hdf5_is_read_in_a_process_without_limits_of_posix(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    sample_store(tmp_path).save(tmp_path / "a.h5")
    run = run_without(tmp_path, "check", "--data", "a.h5")
    assert (run.returncode, run.stderr) == (0, "")


def test_reading_at_an_offset_without_pread_is_safe_in_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pread", raising=False)
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * 64)
    descriptor = portable.open_to_read(str(path))
    wrong: list[int] = []

    def read(start: int) -> None:
        for offset in range(start, 1 << 14, 7):
            if portable.read_at(descriptor, 1, offset) != bytes([offset % 256]):
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
