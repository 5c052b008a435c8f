"""Every real file reads, exports, checks and goes back byte for byte; what is meant to be refused is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
from safetensors import safe_open

import mxnet_to_neutral
import neutral
from neutral.diff import diff
from neutral.errors import SourceError, UnsupportedError
from neutral.store import Store
from neutral.store.check import check
from neutral.tensor import lazy_tensor
from neutral_to_mxnet import restore, write
from shared_data import checkpoint_pairs, reason_to_skip, shared_data_folder

DATA = shared_data_folder()
ABSENT = DATA / "absent"
"""The parameter of skipped tests: an empty list would be skipped without our reason."""


def single_files() -> Iterator[Path]:
    if not DATA.is_dir():
        return
    for path in sorted((DATA / "versions").glob("[0-9]*/*")):
        if path.suffix in (".params", ".npz", ".npy", ".json") and path.name != "truth.npz":
            yield path
    for path in sorted((DATA / "real").rglob("*")):
        if path.is_file() and path.suffix not in (".states", ".tsv"):
            yield path
    yield from sorted((DATA / "versions" / "upstream").glob("[!R]*"))


def name_of(path: Any) -> str:
    return str(path.relative_to(DATA)) if isinstance(path, Path) else ""


def check_round_trip(sources: tuple[Path, ...], folder: Path) -> Store:
    with mxnet_to_neutral.read(*sources) as store:
        store.save(folder / "store.safetensors")
    report = check(folder / "store.safetensors", data=True)
    assert report.problems == ()
    opened = neutral.open(folder / "store.safetensors")
    with safe_open(str(folder / "store.safetensors"), "np") as official:
        assert set(official.keys()) == set(opened.tensors)
    restore(opened, folder / "back")
    for source in sources:
        assert (folder / "back" / source.name).read_bytes() == source.read_bytes()
    check_written(opened, folder)
    return opened


def check_written(store: Store, folder: Path) -> None:
    """A checkpoint that is written with its own values is the same again, whatever container holds them."""
    assert store.source is not None
    for file in store.source.files:
        if file.role == "parameters":
            written = write(store, folder / "again", like=store, epoch=12)
            if file.format == "npz":
                with mxnet_to_neutral.read(*written.paths) as again:
                    assert not diff(store, again)
            else:
                assert written.paths[0].read_bytes() == (folder / "back" / file.name).read_bytes()


@pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())
@pytest.mark.parametrize("path", list(single_files()) or [ABSENT], ids=name_of)
def test_a_file_alone_goes_there_and_back(path: Path, tmp_path: Path) -> None:
    check_round_trip((path,), tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())
@pytest.mark.parametrize(("symbol", "params"), list(checkpoint_pairs()) or [(ABSENT, ABSENT)], ids=name_of)
def test_a_pair_goes_there_and_back(symbol: Path, params: Path, tmp_path: Path) -> None:
    store = check_round_trip((symbol, params), tmp_path)
    assert store.graph is not None
    assert any(layer.typed_by == "graph" and layer.tensors for layer in store.layers.values())


@pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())
@pytest.mark.parametrize(("symbol", "params"), list(checkpoint_pairs()) or [(ABSENT, ABSENT)], ids=name_of)
def test_a_pair_takes_other_values(symbol: Path, params: Path, tmp_path: Path) -> None:
    """Also where its symbol, of whatever year, fixes scales; only quantised weights are refused."""
    with mxnet_to_neutral.read(symbol, params) as like:
        assert like.graph is not None
        used = set(like.graph.layer_names())
        keys = {key for layer in like.layers.values() if layer.name in used for key in layer.tensors.values()}
        changed = {key for key in keys if like.tensors[key].dtype == "F32"}
        tensors = {
            key: lazy_tensor("F32", tensor.shape, lambda tensor=tensor: tensor.numpy() * np.float32(1.01))
            if key in changed
            else tensor
            for key, tensor in like.tensors.items()
        }
        store = Store(like.layers, tensors)
        if "quant" in symbol.name:
            with pytest.raises(UnsupportedError, match="holds quantised integers"):
                write(store, tmp_path / "new", like=like)
            return
        with mxnet_to_neutral.read(*write(store, tmp_path / "new", like=like).paths) as again:
            for name, layer in again.layers.items():
                for role, key in layer.tensors.items():
                    expected = tensors[like.layers[name].tensors[role]]
                    np.testing.assert_array_equal(again[key], expected.numpy(), err_msg=key)


@pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())
@pytest.mark.parametrize("version", sorted(p.name for p in (DATA / "versions").glob("[0-9]*")) or ["absent"])
def test_values_are_those_that_mxnet_was_given(version: str) -> None:
    """Every array of every file, whatever container, dtype and storage it has, against what NumPy gave MXNet."""
    folder = DATA / "versions" / version
    truth = np.load(folder / "truth.npz")
    compared = 0
    for file in sorted({name.split("|")[0] for name in truth.files}):
        if not (folder / file).is_file():
            continue
        store = mxnet_to_neutral.read(folder / file)
        keys = {
            origin.arrays[0]: layer.tensors[role]
            for layer in store.layers.values()
            for role, origin in layer.source.origins.items()
        }
        for array, key in keys.items():
            name = f"{file}|{array.replace('/', '%2F')}"
            if name in truth.files:
                expected = truth[name]
                np.testing.assert_array_equal(store[key], expected, err_msg=name)
                assert store[key].dtype == expected.dtype
                compared += 1
    assert compared >= 15


def test_pickles_are_named_and_never_loaded(shared_data: Path) -> None:
    pickles = sorted(shared_data.rglob("*.states"))
    assert pickles
    for path in pickles:
        with pytest.raises(SourceError, match="pickle"):
            mxnet_to_neutral.read(path)
