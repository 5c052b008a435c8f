"""Files that change, are replaced or vanish while a store is made of them: an error that names them, and no output."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

import mxnet_to_neutral
import neutral
from cli_cases import linear_store, write_checkpoint
from neutral.errors import NeutralError, SourceError
from neutral.store import Store, shards
from neutral.store.check import check


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


def emit(store: Store, folder: Path) -> None:
    pytest.importorskip("torch.nn")
    import neutral_to_torch

    neutral_to_torch.emit(store, folder / "net.py", class_name="Net")


def emit_hub(store: Store, folder: Path) -> None:
    pytest.importorskip("torch.nn")
    from neutral_to_torch.emission.hub import write_hub

    write_hub(store, folder / "hub", class_name="Net")


def restore(store: Store, folder: Path) -> None:
    import neutral_to_mxnet

    neutral_to_mxnet.restore(store, folder)


def write(store: Store, folder: Path) -> None:
    import neutral_to_mxnet

    neutral_to_mxnet.write(store, folder / "net", like=store)


def cast(store: Store, folder: Path) -> None:
    from neutral.edit import cast as to_dtype

    to_dtype(store, "float16").save(folder / "half.safetensors")


def merge(store: Store, folder: Path) -> None:
    from neutral.edit import merge as merged

    merged([to_half(store), linear_store("other")], prefixes=["a.", "b."]).save(folder / "merged.safetensors")


def to_half(store: Store) -> Store:
    from neutral.edit import cast as to_dtype

    return to_dtype(store, "float16")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("use", [emit, emit_hub, restore, write, cast, merge])
def test_every_writer_notices_a_changed_store_and_leaves_nothing(
    tmp_path: Path, use: Callable[[Store, Path], None], change: Callable[[Path], None]
) -> None:
    write_checkpoint(tmp_path / "model")
    path, target = tmp_path / "in.safetensors", tmp_path / "new"
    with mxnet_to_neutral.read(tmp_path / "model") as checkpoint:
        checkpoint.save(path)
    target.mkdir()
    with neutral.open(path) as store:
        change(path)
        with pytest.raises(NeutralError, match=r"in\.safetensors") as caught:
            use(store, target)
    assert isinstance(caught.value, SourceError)
    assert [file for file in os.listdir(target) if not file.endswith(".lock")] == []


def test_a_store_that_shrinks_while_its_graph_is_evaluated(tmp_path: Path) -> None:
    """A mapped file would end the process by a signal."""
    from neutral import reference

    linear_store().save(tmp_path / "in.safetensors")
    with neutral.open(tmp_path / "in.safetensors") as store:
        os.truncate(tmp_path / "in.safetensors", 100)
        with pytest.raises(SourceError, match=r"in\.safetensors, byte \d+: the file ends here"):
            reference.run(store, {"data": np.ones((1, 3), np.float32)})


@pytest.mark.parametrize("change", CHANGES)
def test_a_store_that_changes_while_it_is_checked_is_not_called_damaged(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    linear_store().save(tmp_path / "in.safetensors")

    def touch(done: int, total: int) -> None:
        if (tmp_path / "in.safetensors").exists():
            change(tmp_path / "in.safetensors")

    with pytest.raises(SourceError, match=r"in\.safetensors.*(Run again|run again|No such file)"):
        check(tmp_path / "in.safetensors", data=True, progress=touch)


def test_a_graph_that_is_evaluated_while_the_store_changes_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neutral import reference
    from neutral.cli import main

    linear_store().save(tmp_path / "in.safetensors")
    np.save(tmp_path / "x.npy", np.ones((1, 3), np.float32))
    original = reference.run

    def changing(*arguments: Any, **options: Any) -> Any:
        overwrite(tmp_path / "in.safetensors")
        return original(*arguments, **options)

    monkeypatch.setattr(reference, "run", changing)
    words = ("run", tmp_path / "in.safetensors", "--input", f"data={tmp_path / 'x.npy'}", "-o", tmp_path / "out.npz")
    assert main([*map(str, words)]) == SourceError.exit_code
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("change", CHANGES)
def test_an_archive_that_changes_between_listing_and_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], kind: str
) -> None:
    from mxnet_to_neutral.files import archives

    folder = tmp_path / "content"
    folder.mkdir()
    write_checkpoint(folder / "model")
    path = Path(shutil.make_archive(str(tmp_path / "model"), kind, folder))
    original = archives.list_members

    def changing(archive: str) -> Any:
        members = original(archive)
        change(path)
        return members

    monkeypatch.setattr(archives, "list_members", changing)
    with pytest.raises(SourceError, match=rf"model\.{kind}"):
        mxnet_to_neutral.read(path)


def test_weights_that_change_while_an_emitted_model_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch.nn")
    import neutral_to_torch
    from neutral_to_torch.emission import pair

    neutral_to_torch.emit(linear_store(), tmp_path / "net.py", class_name="Net")
    original = pair.digest_of

    def changing(file: Any) -> str:
        digest = original(file)
        overwrite(tmp_path / "net.safetensors")
        return digest

    monkeypatch.setattr(pair, "digest_of", changing)
    with pytest.raises(SourceError, match=r"net\.safetensors: it was changed while it was read"):
        neutral_to_torch.load_emitted(tmp_path / "net.py")
