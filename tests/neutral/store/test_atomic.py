"""Writing is atomic: a target is the old file or the new one, and temporary files do not stay for ever."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neutral.errors import TargetError
from neutral.store.atomic import AtomicFiles, atomic_file, existing_files_kept
from samples import ROOT, run_python, sample_store


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with atomic_file(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
        assert leftovers(tmp_path)
    assert target.read_bytes() == b"new"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_no_other(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_file(target) as file:
        file.write(b"new")
        raise error
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_data_is_flushed_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def recorded_replace(source: str, target: str) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    with atomic_file(tmp_path / "x") as file:
        file.write(b"new")
    assert calls == ["file", "rename", "folder"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_mode_follows_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with atomic_file(tmp_path / "x") as file:
            file.write(b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "x")
    with atomic_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "x").read_bytes() == b"new"
    assert leftovers(tmp_path) == leftovers(tmp_path / "real") == []


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 127 + "x")
    with atomic_file(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"


def test_what_is_no_file_is_refused_and_untouched(tmp_path: Path) -> None:
    folder, pipe, loop = tmp_path / "folder", tmp_path / "pipe", tmp_path / "loop"
    folder.mkdir()
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for target in (folder, pipe, loop, pipe / "x", tmp_path / ("n" * 256)):
        with pytest.raises(TargetError, match="cannot be written"), atomic_file(target):
            pytest.fail("the block must not run")
    assert folder.is_dir() and pipe.is_fifo() and loop.is_symlink()
    assert len(os.listdir(tmp_path)) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(TargetError, match="Permission denied"), atomic_file(tmp_path / "x"):
        pytest.fail("the block must not run")
    tmp_path.chmod(0o700)


FULL = """
import resource, sys
from pathlib import Path
from neutral.errors import TargetError
from neutral.store.store import Store
from neutral.tensor import FileRange, Tensor
from samples import sample_store
target, source, kind = sys.argv[1:]
sizes = {"range": (FileRange(source, 0, 1 << 20),), "computed": lambda: (bytes(1 << 16) for _ in range(16))}
store = Store({}, {"t": Tensor("U8", (1 << 20,), sizes[kind])})
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
try:
    store.save(target)
except TargetError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", ["range", "computed"])
def test_no_space_leaves_the_target_untouched_and_says_so(kind: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "m.safetensors"
    source.write_bytes(bytes(1 << 20))
    target.write_bytes(b"old")
    run = run_python(FULL, str(target), str(source), kind)
    assert "m.safetensors: cannot be written: File too large" in run.stdout, run.stderr
    assert target.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["m.safetensors", "source"]


KILLED = """
import sys, time
from neutral.store.store import Store
from neutral.tensor import Tensor
def slowly():
    for number in range(100):
        yield bytes([1]) * (1 << 16)
        print(number, flush=True)
        time.sleep(0.005)
Store({}, {"t": Tensor("U8", (100 << 16,), slowly)}).save(sys.argv[1])
print("saved", flush=True)
"""


def start_saving(target: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    return process


@pytest.mark.parametrize("delay", [0, 0.05, 0.2, 0.45])
def test_a_killed_run_leaves_the_old_file_and_the_next_one_cleans_up(delay: float, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    target.write_bytes(b"old")
    process = start_saving(target)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert target.read_bytes() == b"old"
    (left,) = leftovers(tmp_path)
    assert left.startswith(".m.safetensors.neutral-")
    sample_store(tmp_path).save(tmp_path / "other.safetensors")
    assert leftovers(tmp_path) == []
    assert target.read_bytes() == b"old"


def test_a_file_that_another_process_writes_is_not_swept(tmp_path: Path) -> None:
    """Two concurrent writers of one target both finish, and one complete file remains."""
    target = tmp_path / "m.safetensors"
    process = start_saving(target)
    sample_store(tmp_path).save(target)
    assert len(leftovers(tmp_path)) == 1
    output, _ = process.communicate()
    assert output.endswith("saved\n") and process.returncode == 0
    assert target.stat().st_size > 100 << 16
    assert leftovers(tmp_path) == []


def test_files_that_only_look_alike_are_kept(tmp_path: Path) -> None:
    names = ["x.neutral-0123456789abcdef.tmp", ".x.neutral-0123.tmp", ".x.tmp", ".x.neutral-0123456789abcdeg.tmp"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / ".d.neutral-0123456789abcdef.tmp").mkdir()
    (tmp_path / ".l.neutral-0123456789abcdef.tmp").symlink_to(tmp_path / names[0])
    before = sorted(os.listdir(tmp_path))
    with atomic_file(tmp_path / "new"):
        pass
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "new"])


def test_without_locks_only_files_older_than_a_day_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    young, old = (tmp_path / f".{name}.neutral-0123456789abcdef.tmp" for name in ("young", "old"))
    for path in (young, old):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 90_000,) * 2)
    with atomic_file(tmp_path / "x") as file:
        file.write(b"new")
    assert young.exists() and not old.exists()
    assert (tmp_path / "x").read_bytes() == b"new"


@pytest.mark.parametrize("names", ["a", "ab"])
def test_files_are_created_and_not_replaced_where_they_are_kept(names: str, tmp_path: Path) -> None:
    with existing_files_kept(), AtomicFiles() as files:
        for name in names:
            files.open(tmp_path / name).write(b"new")
    assert sorted(os.listdir(tmp_path)) == list(names)
    with pytest.raises(TargetError, match=f"{names[-1]}: exists already, and is not replaced"), AtomicFiles(
        keep_existing=True
    ) as files:
        files.open(tmp_path / "z")
        files.open(tmp_path / names[-1])
    assert sorted(os.listdir(tmp_path)) == list(names)
    assert {(tmp_path / name).read_bytes() for name in names} == {b"new"}


@pytest.mark.parametrize("names", ["a", "ab"])
def test_files_of_another_process_that_appear_meanwhile_are_kept(names: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=f"{names[-1]}: exists already"), AtomicFiles(keep_existing=True) as files:
        for name in names:
            files.open(tmp_path / name).write(b"new")
        (tmp_path / names[-1]).write_bytes(b"old")
    assert os.listdir(tmp_path) == [names[-1]] and (tmp_path / names[-1]).read_bytes() == b"old"


def test_targets_that_differ_in_case_are_refused_where_they_are_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AtomicFiles() as files:
        for name in ("a", "A"):
            files.open(tmp_path / name).write(name.encode())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "a", "A": "A"}
    lexists = os.path.lexists

    def ignoring_case(path: str) -> bool:
        folder, name = os.path.split(path)
        return name.casefold() in map(str.casefold, os.listdir(folder)) if lexists(folder) else False

    monkeypatch.setattr(os.path, "lexists", ignoring_case)
    expected = r"A: this file system ignores case, so it would replace \S+a, which is written too"
    with pytest.raises(TargetError, match=expected), AtomicFiles() as files:
        for name in ("a", "b", "A"):
            files.open(tmp_path / name).write(b"new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "a", "A": "A"}


def test_an_error_between_two_renames_names_what_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def fail_at_b(source: str, target: str) -> None:
        if target.endswith("b"):
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_b)
    expected = r"b: cannot be written: Input/output error\. It is unchanged, but \S+a was replaced already: run again"
    with pytest.raises(TargetError, match=expected), AtomicFiles() as files:
        for name in "ab":
            files.open(tmp_path / name).write(b"new")
    assert os.listdir(tmp_path) == ["a"]


def test_a_folder_that_cannot_be_flushed_after_the_rename_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fail_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    expected = "x: complete, but the folder cannot be flushed to the disk: Input/output error"
    with pytest.raises(TargetError, match=expected), atomic_file(tmp_path / "x") as file:
        file.write(b"new")
    assert (tmp_path / "x").read_bytes() == b"new"


def test_an_error_of_the_system_in_the_block_names_the_last_file(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="b: cannot be written: No space left on device"), AtomicFiles() as files:
        files.open(tmp_path / "a")
        files.open(tmp_path / "b")
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []
