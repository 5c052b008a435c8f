"""Errors of file systems and networks, and of packages that are not installed, raise errors of Neutral."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import neutral
from neutral.errors import SourceError, StoreError, TargetError, UnsupportedError, UsageError
from neutral.graph import Layer
from neutral.store import Store, shards
from neutral.store.atomic import atomic_file
from neutral.store.check import check
from neutral.store.containers import container_for, container_of
from neutral.store.header_parser import parse_header
from neutral.store.safetensors import read_tensors, write_tensors
from neutral.store.shard_index import read_index
from neutral.tensor import FileRange, Tensor
from samples import in_memory, sample_store


def failing(number: int) -> Any:
    """Return a function that raises an OSError."""

    def fail(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_folder_that_cannot_be_flushed_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutral.store.atomic.os.fsync", failing(errno.EINVAL))
    with pytest.raises(TargetError), atomic_file(tmp_path / "x") as file:
        file.write(b"x")
    from neutral.store import atomic

    atomic.sync_folder(str(tmp_path))
    monkeypatch.setattr("neutral.store.atomic.os.fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        atomic.sync_folder(str(tmp_path))


def test_a_temporary_file_that_another_writer_removed_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Path] = []

    def lock(descriptor: int, operation: int) -> None:
        if not removed:
            removed.extend(tmp_path.iterdir())
            for path in removed:
                path.unlink()

    monkeypatch.setattr(fcntl, "flock", lock)
    with atomic_file(tmp_path / "x") as file:
        file.write(b"new")
    assert removed and [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"new")]


@pytest.mark.parametrize(("age", "is_kept"), [(0, True), (2 * 24 * 3600, False)])
def test_without_locks_only_old_temporary_files_are_removed(
    age: int, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned = tmp_path / f".x.neutral-{'0' * 16}.tmp"
    abandoned.write_bytes(b"")
    os.utime(abandoned, (time.time() - age,) * 2)
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOTSUP))
    with atomic_file(tmp_path / "x") as file:
        file.write(b"new")
    assert abandoned.exists() == is_kept and (tmp_path / "x").read_bytes() == b"new"


def test_a_small_source_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    monkeypatch.setattr("neutral.store.copying.os.pread", failing(errno.EIO))
    with pytest.raises(SourceError, match="source: cannot be read: Input/output error"):
        write_tensors({"x": Tensor("U8", (3,), (FileRange(str(source), 0, 3),))}, tmp_path / "x.safetensors")


def test_a_source_file_of_another_size_is_refused(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    assert store.source is not None
    first, *others = store.source.files
    store.source = replace(store.source, files=(replace(first, size=first.size + 1), *others))
    with pytest.raises(SourceError, match="48 bytes were found where 49 were expected"):
        store.save(tmp_path / "m.safetensors")


def test_containers_that_cannot_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.bin: unknown suffix '\.bin'; expected one of \.safetensors"):
        container_for("x.bin")
    with pytest.raises(SourceError, match="cannot be read"):
        container_of(str(tmp_path))
    with pytest.raises(SourceError, match="cannot be read"):
        read_index(str(tmp_path))


def test_a_header_that_is_cut_is_refused() -> None:
    with pytest.raises(StoreError, match="the file ends within its header"):
        parse_header(b"\x10\0\0\0\0\0\0\0{}", 100, "x")


def test_an_index_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards.write(sample_store(tmp_path), str(tmp_path / "m.safetensors"), max_shard_size=16)
    monkeypatch.setenv("NEUTRAL_LIMIT_MANIFEST_BYTES", "10")
    with pytest.raises(StoreError, match="limit manifest-bytes is 10 bytes"):
        neutral.open(tmp_path / "m.safetensors.index.json")


def test_tensors_alone_can_be_sharded(tmp_path: Path) -> None:
    tensors = {name: in_memory("U8", (4,), name.encode() * 4) for name in "abc"}
    *parts, index = shards.write_tensors(tensors, str(tmp_path / "m.safetensors"), max_shard_size=8)
    assert [list(read_tensors(part)) for part in parts] == [["a", "b"], ["c"]]
    assert read_index(index)["metadata"] == {"total_size": 12}
    with pytest.raises(StoreError, match="without Neutral's manifest"):
        neutral.open(index)


def test_a_tensor_that_does_not_exist(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    with pytest.raises(UsageError, match="the store has no tensor 'lost'"):
        store["lost"]
    assert repr(store) == "<Store unsaved: 2 layers, 3 tensors>"


def test_check_needs_a_file_and_digests(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        check(tmp_path / "absent.safetensors")
    store = sample_store(tmp_path)
    store.digests = {"fc.bias": "0" * 64}
    store.save(tmp_path / "m.safetensors", digests=False)
    problems = check(tmp_path / "m.safetensors", data=True).problems
    assert "tensor 'fc.weight': the manifest has no digest of it" in problems


def test_closing_twice_releases_once() -> None:
    calls: list[int] = []
    with Store({}, {}, close=lambda: calls.append(1)) as store:
        pass
    store.close()
    assert calls == [1]


def test_a_foreign_error_while_hdf5_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr(h5py.Group, "create_dataset", failing(errno.EIO))
    with pytest.raises(TargetError, match="HDF5 could not be written"):
        sample_store(tmp_path).save(tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_hdf5_without_digests_keeps_the_known_ones(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    store = sample_store(tmp_path)
    store.save(tmp_path / "m.h5", digests=False)
    with neutral.open(tmp_path / "m.h5") as opened:
        assert opened.digests == {} and opened.source is not None
        assert [file.sha256 for file in opened.source.files] == [None, None]


@pytest.mark.parametrize("package", ["h5py", "hdf5plugin"])
def test_packages_that_are_not_installed_are_named(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("h5py")
    from neutral.store import hdf5

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnsupportedError, match="pip install"):
        hdf5.write(sample_store(tmp_path), str(tmp_path / "m.h5"), compression="zstd")


def test_an_hdf5_filter_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h5py = pytest.importorskip("h5py")
    from neutral.store import hdf5

    hdf5.write(sample_store(tmp_path), str(tmp_path / "m.h5"), compression="gzip")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(StoreError, match="has the HDF5 filter 1, which is not installed"):
        neutral.open(tmp_path / "m.h5")


def test_attributes_that_hdf5_has_no_number_for(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    attributes = {"axes": (0, 1), "keepdims": False, "big": 1 << 70, "mixed": (1, None), "nothing": None}
    layers = {"a": Layer("a", "parameter", attributes, {"value": "a"}, typed_by="user")}
    store = Store(layers, {"a": in_memory("U8", (1,), b"a")})
    from neutral.store.hdf5 import writing

    with h5py.File(tmp_path / "m.h5", "w") as file:
        list(writing._places(store, file))
        stored = dict(file["layers/a"].attrs)
    assert stored["axes"].tolist() == [0, 1]
    assert (stored["big"], stored["mixed"], stored["nothing"]) == (str(1 << 70), "(1, None)", "none")


class BrokenSystem:
    """A file system of fsspec whose calls fail, or give less than they announce."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def info(self, path: str) -> dict[str, int]:
        return {"size": 100}

    def cat_file(self, path: str, start: int, end: int) -> bytes:
        if self._error is not None:
            raise self._error
        return b""

    def isfile(self, path: str) -> bool:
        return False

    def find(self, path: str) -> list[str]:
        return []

    def put_file(self, path: str, target: str) -> None:
        raise ConnectionError("connection lost")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> BrokenSystem:
    pytest.importorskip("fsspec")
    system = BrokenSystem()
    monkeypatch.setattr("neutral.store.remote._locate", lambda url: (system, url))
    return system


def test_a_remote_file_that_ends_early_is_named(broken: BrokenSystem) -> None:
    from neutral.store.remote import RemoteFile

    with pytest.raises(SourceError, match="x, byte 0: the file ends here, 100 bytes early"):
        list(RemoteFile("s3://b/x").chunks())


def test_errors_of_a_remote_file_system_are_source_errors(broken: BrokenSystem) -> None:
    from neutral.store.remote import RemoteFile

    broken._error = ConnectionError("connection lost")
    with pytest.raises(SourceError, match="cannot be read: ConnectionError: connection lost"):
        RemoteFile("s3://b/x").read(0, 1)


def test_errors_of_uploading_are_target_errors(broken: BrokenSystem, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be written: ConnectionError: connection lost"):
        sample_store(tmp_path).save("s3://b/x.safetensors")


def test_a_remote_folder_without_files_is_an_error(broken: BrokenSystem) -> None:
    from neutral.store.remote import folders

    with pytest.raises(SourceError, match="nothing in it"):
        list(folders("s3://b/x"))


def test_urls_without_a_package_and_malformed_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    from neutral.store.remote import RemoteFile

    for error, expected in ((ImportError("no s3fs"), UnsupportedError), (ValueError("bad URL"), SourceError)):

        def fail(url: str, error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr(fsspec.core, "url_to_fs", fail)
        with pytest.raises(expected, match=str(error)):
            RemoteFile("s3://b/x")


def test_downloads_are_temporary_and_errors_name_the_url() -> None:
    fsspec = pytest.importorskip("fsspec")
    from neutral.store.remote import fetched, folders

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/io_errors/sub/a.bin", b"abc")
    try:
        with fetched(["memory://io_errors/sub/a.bin", "local"]) as paths:
            local = paths[0]
            assert Path(local).read_bytes() == b"abc" and paths[1] == "local"
        assert not os.path.exists(local)
        with fetched(["memory://io_errors/sub"]) as paths:
            assert os.listdir(paths[0]) == ["a.bin"]
        with pytest.raises(SourceError, match=r"^memory://io_errors/sub/a\.bin: bad$"), fetched(
            ["memory://io_errors/sub/a.bin"]
        ) as paths:
            raise StoreError(f"{paths[0]}: bad")
        assert list(folders("memory://io_errors")) == [("memory://io_errors/sub", "sub", ["a.bin"])]
        assert list(folders("memory://io_errors/sub/a.bin")) == [("memory://io_errors/sub", "", ["a.bin"])]
    finally:
        memory.rm("/io_errors", recursive=True)


def test_local_paths_are_not_copied(tmp_path: Path) -> None:
    from neutral.store.remote import fetched

    with fetched(["a", str(tmp_path)]) as paths:
        assert paths == ["a", str(tmp_path)]


def test_filters_of_the_plugin_package_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    from neutral.store import hdf5

    monkeypatch.setitem(sys.modules, "hdf5plugin", SimpleNamespace(Zstd=lambda: "lzf"))
    hdf5.write(sample_store(tmp_path), str(tmp_path / "m.h5"), compression="ZSTD")
    with neutral.open(tmp_path / "m.h5") as store:
        assert store["fc.weight"].tolist() == [[1, 2, 3], [4, 5, 6]]
