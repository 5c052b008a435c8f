"""Files that change, are replaced or vanish while a store is made of them: an error that names them, and no output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest

import mxnet_to_neutral
import neutral
from cli_cases import linear_store, write_checkpoint
from neutral.errors import NeutralError, SourceError
from neutral.store import Store, shards


def grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"x")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8)


def replace(path: Path) -> None:
    """Put a file with the same bytes in its place, as another run would put its own."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def overwrite(path: Path) -> None:
    """Change the last bytes, which are a tensor's, in place."""
    with open(path, "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\1\2\3\4")
    os.utime(path, ns=(1, 1))  # clocks of file systems may be coarse


CHANGES = (grow, shrink, replace, overwrite, os.unlink)


def save(store: Store, target: Path) -> None:
    if target.name == "shards":
        shards.write(store, str(target.with_suffix(".safetensors")), max_shard_size=16)
    else:
        store.save(target)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["out.safetensors", "out.h5", "shards"])
def test_a_store_that_changes_while_it_is_open(tmp_path: Path, name: str, change: Callable[[Path], None]) -> None:
    if name == "out.h5":
        pytest.importorskip("h5py")
    path, target = tmp_path / "in.safetensors", tmp_path / "new" / name
    target.parent.mkdir()
    linear_store().save(path)
    with neutral.open(path) as store:
        change(path)
        with pytest.raises(SourceError, match=r"in\.safetensors"):
            save(store, target)
    assert [file for file in os.listdir(target.parent) if not file.endswith(".lock")] == []


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("file", ["model-0000.params"])
def test_a_checkpoint_that_changes_while_it_is_open(tmp_path: Path, file: str, change: Callable[[Path], None]) -> None:
    write_checkpoint(tmp_path / "model")
    with mxnet_to_neutral.read(tmp_path / "model") as store:
        change(tmp_path / file)
        with pytest.raises(NeutralError, match=file):
            store.save(tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_shard_that_changes_while_it_is_copied(tmp_path: Path) -> None:
    shards.write(linear_store(), str(tmp_path / "set.safetensors"), max_shard_size=16)
    (shard, *_) = sorted(tmp_path.glob("set-*.safetensors"))
    with neutral.open(tmp_path / "set.safetensors.index.json") as store:

        def touch(done: int, total: int) -> None:
            overwrite(shard)

        with pytest.raises(SourceError, match=shard.name):
            store.save(tmp_path / "out.safetensors", progress=touch)
    assert not (tmp_path / "out.safetensors").exists()
