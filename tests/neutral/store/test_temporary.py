"""Temporary files become their target by a rename or a link; abandoned ones are removed, and those in use stay."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from neutral.store import locking, temporary
from neutral.store.temporary import TemporaryFile, TemporaryFolder, remove_abandoned, require_file_or_nothing

NAME = ".x.neutral-0123456789abcdef"


@pytest.fixture(params=[True, False], ids=["with links", "without links"])
def has_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Make hard links fail with every error but that of an existing target, if the file system is to have none."""
    if not request.param:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    return bool(request.param)


def failing(number: int) -> Any:
    def fail(*arguments: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def new_file(folder: Path) -> TemporaryFile:
    file = TemporaryFile(str(folder / "x"))
    file.file.write(b"new")
    file.sync()
    return file


def test_a_file_gets_the_name_of_its_target(has_links: bool, tmp_path: Path) -> None:
    file = new_file(tmp_path)
    file.link()
    file.close()
    assert os.listdir(tmp_path) == ["x"] and (tmp_path / "x").read_bytes() == b"new"


def test_a_target_that_another_process_made_meanwhile_is_not_replaced(has_links: bool, tmp_path: Path) -> None:
    file = new_file(tmp_path)
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        file.link()
    file.close()
    assert os.listdir(tmp_path) == ["x"] and (tmp_path / "x").read_bytes() == b"old"


def test_a_failed_rename_without_links_leaves_no_empty_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = new_file(tmp_path)
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        file.link()
    file.close()
    assert os.listdir(tmp_path) == []


def test_devices_are_no_targets() -> None:
    with pytest.raises(OSError, match="it is a device, a pipe or a socket"):
        require_file_or_nothing(os.devnull)


def test_abandoned_files_and_folders_are_removed_and_those_in_use_stay(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.tmp").write_bytes(b"half")
    (tmp_path / f"{NAME}.folder.tmp" / "inner").mkdir(parents=True)
    file, folder = TemporaryFile(str(tmp_path / "x")), TemporaryFolder(str(tmp_path / "y"))
    remove_abandoned(str(tmp_path))
    left = os.listdir(tmp_path)
    assert len(left) == 2 and not any(name.startswith(NAME) for name in left)
    file.close()
    folder.close()
    assert os.listdir(tmp_path) == []


def test_files_and_folders_with_each_others_names_stay(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.tmp").mkdir()
    (tmp_path / f"{NAME}.folder.tmp").write_bytes(b"")
    remove_abandoned(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [f"{NAME}.folder.tmp", f"{NAME}.tmp"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_folder_that_another_writer_takes_for_abandoned_is_made_again(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so before the folder is opened for its lock, or after."""
    removed: list[str] = []
    hold_folder = temporary.hold_folder

    def hold(folder: str) -> int | None:
        if removed:
            return hold_folder(folder)
        removed.append(folder)
        if moment == "before":
            os.rmdir(folder)
            return hold_folder(folder)
        descriptor = hold_folder(folder)
        os.rmdir(folder)
        return descriptor

    monkeypatch.setattr(temporary, "hold_folder", hold)
    folder = TemporaryFolder(str(tmp_path / "x"))
    assert [str(path) for path in tmp_path.iterdir()] == [folder.path] != removed
    assert locking._held_folders == {folder.path}
    folder.close()
    assert os.listdir(tmp_path) == [] and locking._held_folders == set()


def test_a_folder_that_cannot_be_opened_is_made_without_a_lock(tmp_path: Path) -> None:
    """So it is on Windows."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(locking.os, "open", failing(errno.EACCES))
        folder = TemporaryFolder(str(tmp_path / "x"))
    assert os.path.isdir(folder.path)
    folder.close()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_has_become_its_target_stays(tmp_path: Path) -> None:
    folder = TemporaryFolder(str(tmp_path / "x"))
    shutil.move(folder.path, tmp_path / "x")
    folder.close()
    assert os.listdir(tmp_path) == ["x"]
