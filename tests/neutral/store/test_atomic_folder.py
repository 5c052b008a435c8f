"""A folder appears with all of its files, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from neutral.errors import TargetError
from neutral.store import atomic
from neutral.store.atomic import atomic_file
from neutral.store.atomic_folder import atomic_folder


def test_the_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "above" / "x") as folder:
        with atomic_file(folder / "a") as file:
            file.write(b"1")
        assert not (tmp_path / "above" / "x").exists()
    assert os.listdir(tmp_path / "above") == ["x"] and (tmp_path / "above" / "x" / "a").read_bytes() == b"1"


def test_an_empty_folder_is_replaced_and_one_with_files_is_not(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with atomic_folder(tmp_path / "x") as folder:
        (folder / "a").write_bytes(b"1")
    with pytest.raises(TargetError, match="x: cannot be written: Directory not empty"), atomic_folder(tmp_path / "x"):
        pass
    assert os.listdir(tmp_path) == ["x"] and os.listdir(tmp_path / "x") == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), atomic_folder(tmp_path / "above" / "x") as folder:
        (folder / "a").write_bytes(b"1")
        raise error
    assert os.listdir(tmp_path) == []


def test_errors_name_the_folder_and_not_the_temporary_one(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as raised, atomic_folder(tmp_path / "x") as folder:
        (folder / "a").mkdir()
        with atomic_file(folder / "a"):
            pass
    expected = f"{tmp_path / 'x' / 'a'}: cannot be written: Is a directory. An existing file is unchanged."
    assert str(raised.value) == expected and os.listdir(tmp_path) == []


def test_a_folder_above_that_cannot_be_flushed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def fail_above(descriptor: int) -> Any:
        if os.path.samestat(os.fstat(descriptor), tmp_path.stat()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return fsync(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", fail_above)
    expected = "x: complete, but the folder cannot be flushed to the disk: Input/output error"
    with pytest.raises(TargetError, match=expected), atomic_folder(tmp_path / "x"):
        pass
    assert os.listdir(tmp_path) == ["x"]
