"""Refusals of the HDF5 container that need a system, a package or a file that tests seldom meet."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

import h5py  # noqa: E402

from neutral.errors import StoreError, UnsupportedError, UsageError  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.store.hdf5 import datasets, layout, process, reading, writing  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from samples import sample_store  # noqa: E402


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    imported = builtins.__import__

    def refuse(module: str, *arguments: Any, **more: Any) -> Any:
        if module == name:
            raise ImportError(name)
        return imported(module, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_h5py_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "h5py")
    with pytest.raises(UnsupportedError, match=r"HDF5 stores need h5py: pip install h5py\."):
        layout.import_h5py()


def test_hdf5plugin_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "hdf5plugin")
    with pytest.raises(UnsupportedError, match="compression 'zstd' needs hdf5plugin"):
        writing._filter_options("zstd")
    assert datasets._load_plugins(32015) is False


def test_compressions() -> None:
    assert writing._filter_options(None) == {}
    assert writing._filter_options("gzip")["compression"] == "gzip"
    pytest.importorskip("hdf5plugin")
    assert writing._filter_options("zstd")["compression"].filter_id == 32015
    with pytest.raises(UsageError, match="unknown compression 'rar'; expected one of gzip"):
        writing._filter_options("rar")
    assert datasets._load_plugins(32015) is True


def test_numbers_in_tuples_are_stored_as_numbers() -> None:
    assert layout._is_plain((1, 2.5)) and not layout._is_plain((1, None)) and not layout._is_plain(1 << 63)


def test_digests_of_source_files_that_are_known_are_kept(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    assert writing._file_digests(store, digests=False) == {}
    assert len(writing._file_digests(store, digests=True)) == len(store.source.files if store.source else ())


def test_a_block_that_is_cut_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store({}, {"t": from_numpy(np.ones(3, np.float32))}).save(tmp_path / "a.h5")
    source = reading.Source(str(tmp_path / "a.h5"))
    (entry,) = source.tensors()
    monkeypatch.setattr("neutral.store.hdf5.contents.Contents.block", lambda *_: b"abcd")
    with pytest.raises(StoreError, match=r"was read in part\. Run again"):
        list(source.blocks(entry[1], entry[2], tuple(entry[3]), tuple(entry[4])))


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(UnsupportedError, match=r"read in a process of its own, and .*no python cannot be started"):
        process.ReadingProcess(str(tmp_path / "a.h5")).tensors()


def test_an_attribute_that_is_neither_numbers_nor_a_text_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["texts"] = np.array(["a", "b"], dtype=h5py.string_dtype())
        with pytest.raises(StoreError, match="the attribute 'texts' of / is neither numbers nor a text"):
            datasets.attribute("a.h5", "/", file, "texts")


def test_an_attribute_that_claims_more_than_the_file_has_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["numbers"] = np.zeros(1000)
        short = SimpleNamespace(attrs=file.attrs, file=SimpleNamespace(id=SimpleNamespace(get_filesize=lambda: 7999)))
        with pytest.raises(StoreError, match="the attribute 'numbers' of / claims 8000 bytes"):
            datasets.attribute("a.h5", "/", short, "numbers")
        assert datasets.attribute("a.h5", "/", file, "numbers").shape == (1000,)
