"""A new set of shards replaces the old one whole, on file systems without links and locks as well."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest

import neutral
from neutral.errors import TargetError
from neutral.graph import Layer
from neutral.store import Store, shards
from neutral.store.atomic import existing_files_kept
from neutral.store.check import check
from neutral.store.shard_index import encode_index
from samples import in_memory

FIRST, SECOND, INDEX = "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "m.safetensors.index.json"


def write(folder: Path, letter: str) -> list[str]:
    """Write a set of two shards whose bytes are all ``letter``; return the names of its files."""
    tensors = {key: in_memory("U8", (4,), letter.encode() * 4) for key in ("x", "y")}
    layers = {key: Layer(key, "parameter", {}, {"value": key}, typed_by="user") for key in tensors}
    paths = shards.write(Store(layers, tensors), str(folder / "m.safetensors"), max_shard_size=4)
    return [os.path.basename(path) for path in paths]


def letter_of(folder: Path) -> str:
    """Return the letter of the set that the index names, after all of its digests have been checked."""
    assert check(folder / INDEX, data=True).problems == ()
    with neutral.open(folder / INDEX) as store:
        return chr(store["x"][0])


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, is_refused: Callable[..., bool] = lambda *paths: True) -> None:
    """Make a function of ``os`` fail for the paths of which ``is_refused`` is true."""
    original = getattr(os, name)

    def call(*paths: Any, **options: Any) -> Any:
        if is_refused(*paths):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        return original(*paths, **options)

    monkeypatch.setattr(os, name, call)


def is_second_shard(source: str, target: str) -> bool:
    return "00002-of" in os.path.basename(target)


def test_without_hard_links_shards_keep_names_of_their_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "link")
    names = write(tmp_path, "a")
    assert not {FIRST, SECOND} & set(names) and sorted(names) == sorted(os.listdir(tmp_path))
    assert letter_of(tmp_path) == "a"


def test_without_locks_of_folders_shards_keep_names_of_their_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "open", lambda path, flags, *mode: os.path.isdir(path) and path != str(tmp_path.parent))
    monkeypatch.setattr("neutral.store.shard_set.sync_folder", lambda folder: None)
    names = write(tmp_path, "a")
    assert not {FIRST, SECOND} & set(names) and sorted(names) == sorted(os.listdir(tmp_path))


def test_the_next_writer_removes_shards_with_names_of_their_set(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        refuse(monkeypatch, "link")
        write(tmp_path, "a")
    (tmp_path / f"m-00001-of-00001-{'0' * 16}.safetensors").write_bytes(b"of someone else")
    assert write(tmp_path, "b") == [FIRST, SECOND, INDEX]
    left = {FIRST, SECOND, INDEX, f"m-00001-of-00001-{'0' * 16}.safetensors"}
    assert set(os.listdir(tmp_path)) == left and letter_of(tmp_path) == "b"


def test_a_shard_that_cannot_be_renamed_leaves_the_old_set_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a")
    refuse(monkeypatch, "replace", is_second_shard)
    with pytest.raises(TargetError, match=r"Operation not permitted\. An existing file is unchanged"):
        write(tmp_path, "b")
    assert sorted(os.listdir(tmp_path)) == [FIRST, SECOND, INDEX] and letter_of(tmp_path) == "a"


def test_a_failed_writer_of_the_same_set_removes_none_of_its_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "link")
    names = write(tmp_path, "a")
    refuse(monkeypatch, "replace", is_second_shard)
    with pytest.raises(TargetError, match="cannot be written"):
        write(tmp_path, "a")
    assert sorted(os.listdir(tmp_path)) == sorted(names) and letter_of(tmp_path) == "a"


def test_old_shards_that_cannot_be_removed_stay_unused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as without_links:
        refuse(without_links, "link")
        old = write(tmp_path, "a")
    refuse(monkeypatch, "unlink", lambda path: os.path.basename(path) in old)
    assert write(tmp_path, "b") == [FIRST, SECOND, INDEX]
    assert set(os.listdir(tmp_path)) == {*old, FIRST, SECOND, INDEX} and letter_of(tmp_path) == "b"


@pytest.mark.parametrize(
    "index",
    [
        b"not an index",
        encode_index({"metadata": {}, "weight_map": {"x": "other.safetensors"}}),
        encode_index({"metadata": {"neutral.headers": {"other.safetensors": "0" * 64}}, "weight_map": {}}),
        encode_index({"metadata": {"neutral.headers": {"absent.safetensors": "0" * 64}}, "weight_map": {}}),
    ],
)
def test_files_that_an_index_of_others_names_stay(index: bytes, tmp_path: Path) -> None:
    (tmp_path / INDEX).write_bytes(index)
    (tmp_path / "other.safetensors").write_bytes(b"of someone else")
    assert write(tmp_path, "a") == [FIRST, SECOND, INDEX]
    assert (tmp_path / "other.safetensors").read_bytes() == b"of someone else" and letter_of(tmp_path) == "a"


@pytest.mark.parametrize("name", [FIRST, SECOND, INDEX])
def test_no_file_of_a_set_is_replaced_where_files_are_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"old")
    with existing_files_kept(), pytest.raises(TargetError, match=f"{name}: exists already, and is not replaced"):
        write(tmp_path, "a")
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"old"


def test_a_set_appears_where_there_are_no_files_to_keep(tmp_path: Path) -> None:
    with existing_files_kept():
        assert write(tmp_path, "a") == [FIRST, SECOND, INDEX]
    assert letter_of(tmp_path) == "a"


def test_an_error_of_the_disk_while_a_shard_is_written_names_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shards, "copy_tensors", full)
    with pytest.raises(TargetError, match=f"{INDEX}: cannot be written: No space left on device"):
        write(tmp_path, "a")
    assert os.listdir(tmp_path) == []


def test_a_set_that_is_replaced_while_it_is_opened_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a")
    read_index = shards.read_index

    def replaced_after(path: str) -> Any:
        index = read_index(path)
        monkeypatch.undo()
        write(tmp_path, "b")
        return index

    monkeypatch.setattr(shards, "read_index", replaced_after)
    with neutral.open(tmp_path / INDEX) as store:
        assert chr(store["x"][0]) == chr(store["y"][0]) == "b"


def test_an_index_in_another_folder_stays_there(tmp_path: Path) -> None:
    """The link is followed, and the shards are beside it."""
    (tmp_path / "real").mkdir()
    (tmp_path / INDEX).symlink_to(tmp_path / "real" / INDEX)
    assert write(tmp_path, "a") == [FIRST, SECOND, INDEX]
    assert (tmp_path / INDEX).is_symlink() and letter_of(tmp_path) == "a"
    assert set(json.loads((tmp_path / "real" / INDEX).read_text())["weight_map"].values()) == {FIRST, SECOND}
