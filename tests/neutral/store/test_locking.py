"""Locks between processes, and folders that are made for an output."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neutral.store import locking
from neutral.store.folders import parent_folder
from neutral.store.locking import exclusive_lock, folder_locks, hold_folder, release_folder

HOLD = """
import sys
from neutral.store.locking import exclusive_lock, folder_locks, hold_folder, release_folder
with exclusive_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    command = [sys.executable, "-c", HOLD, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "held\n"
        waited = []

        def release() -> None:
            waited.append(process.poll())
            assert process.stdin is not None
            process.stdin.close()

        with exclusive_lock(path, release):
            assert waited == [None]
        assert process.wait() == 0
    with exclusive_lock(path, lambda: pytest.fail("nobody holds it")):
        pass


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system has no fork")
def test_a_forked_child_does_not_hold_the_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    closed = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    os.close(closed)
    monkeypatch.setattr(locking, "_held", {descriptor, closed})
    locking._close_in_child()
    assert locking._held == set()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), parent_folder(str(tmp_path / "file" / "model.safetensors")):
        pytest.fail("there is no folder")
    with pytest.raises(NotADirectoryError), parent_folder(str(tmp_path / "file" / "a" / "model.safetensors")):
        pytest.fail("there is no folder")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_system_without_locks_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, wait: bool = True) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking, "lock_file", no_locks)
    with exclusive_lock(str(tmp_path / "lock"), lambda: pytest.fail("nobody holds it")):
        assert (tmp_path / "lock").exists()
    with folder_locks([str(tmp_path)]) as locked:
        assert not locked


def test_a_folder_that_this_process_holds_is_not_locked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = hold_folder(str(tmp_path))
    monkeypatch.setattr(locking, "lock_file", lambda *_: pytest.fail("it would wait for itself"))
    with folder_locks([str(tmp_path)]) as locked:
        assert locked
    release_folder(str(tmp_path), descriptor)
    assert locking._held_folders == set()
