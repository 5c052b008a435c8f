"""Temporary folders are removed: at the end, and by the next run if their process was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from neutral import abandoned, scratch
from neutral.scratch import ScratchFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are not killed by signals there")

KILLED = """
import os, signal
from neutral.scratch import ScratchFolder
folder = ScratchFolder()
open(os.path.join(folder.path, "weights"), "w").close()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_killed_process_is_removed_by_the_next(temporary: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED])
    assert run.returncode == -signal.SIGKILL
    assert len(list(temporary.iterdir())) == 1
    with ScratchFolder() as path:
        assert [str(entry) for entry in temporary.iterdir()] == [os.path.dirname(path)]
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_living_process_stays(temporary: Path) -> None:
    with ScratchFolder() as first, ScratchFolder() as second:
        assert os.path.isdir(first) and os.path.isdir(second)


def test_folders_of_other_programs_stay(temporary: Path) -> None:
    (temporary / "neutral-notes").mkdir()
    (temporary / "neutral-plans" / "lock").mkdir(parents=True)
    with ScratchFolder():
        pass
    assert sorted(entry.name for entry in temporary.iterdir()) == ["neutral-notes", "neutral-plans"]


def test_nothing_is_removed_without_locks(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, wait: bool) -> None:
        raise OSError("no locks")

    monkeypatch.setattr(scratch, "lock_file", no_locks)
    monkeypatch.setattr(abandoned, "lock_file", no_locks)
    with ScratchFolder() as first:
        with ScratchFolder() as second:
            assert os.path.isdir(first) and os.path.isdir(second)
        assert not os.path.exists(second)


def test_only_the_owner_can_look_into_it(temporary: Path) -> None:
    with ScratchFolder() as path:
        assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0
