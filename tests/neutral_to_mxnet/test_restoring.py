"""Original files are restored byte for byte, and stored names never lead out of the folder."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neutral
from neutral.errors import StoreError, TargetError, UsageError
from neutral.source import Piece
from neutral.store import SourceFile, Store, StoreSource
from neutral.store.check import check
from neutral.tensor import from_numpy
from neutral_to_mxnet import restore
from samples import sample_store


def renamed(store: Store, **changes: Any) -> Store:
    """Return the store with its first source file changed."""
    assert store.source is not None
    first, *rest = store.source.files
    store.source = replace(store.source, files=(replace(first, **changes), *rest))
    return store


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    return neutral.open(tmp_path / "m.safetensors")


def test_the_files_come_back_byte_for_byte(stored: Store, tmp_path: Path) -> None:
    """One file has a transposed tensor, a tensor in two parts and bytes between; the other is text."""
    out = tmp_path / "a" / "b"
    assert restore(stored, out) == [out / "net-0000.params", out / "net-symbol.json"]
    for name in ("net-0000.params", "net-symbol.json"):
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
    assert sorted(os.listdir(out)) == ["net-0000.params", "net-symbol.json"]


def test_progress_counts_the_files_bytes(stored: Store, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    paths = restore(stored, tmp_path / "out", progress=lambda done, total: steps.append((done, total)))
    total = sum(path.stat().st_size for path in paths)
    assert steps[-1] == (total, total) and steps == sorted(steps)


def test_existing_files_are_kept_unless_overwriting_is_allowed(stored: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "net-symbol.json").write_bytes(b"mine")
    with pytest.raises(TargetError, match=r"net-symbol\.json: it is there already"):
        restore(stored, out)
    assert os.listdir(out) == ["net-symbol.json"] and (out / "net-symbol.json").read_bytes() == b"mine"
    restore(stored, out, overwrite=True)
    assert (out / "net-symbol.json").read_bytes() == (tmp_path / "net-symbol.json").read_bytes()


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/b", "..", ".", "", "a\\b", "nul\0", "..\\x"])
def test_names_that_are_paths_are_refused(name: str, stored: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it is a path"):
        restore(renamed(stored, name=name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused(stored: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="same name"):
        restore(renamed(stored, name="net-symbol.json"), tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "the original had 0000"),
        ({"size": 55}, "its pieces are 48 bytes and the original had 55"),
        ({"pieces": (Piece("lost"),)}, "'lost' is not among the store's tensors"),
        ({"pieces": (Piece("fc.weight", (0, 2)),)}, "not a permutation"),
        ({"pieces": (Piece("fc.bias", start=4, nbytes=5),)}, "5 bytes from 4 of 'fc.bias', which has 8"),
    ],
)
def test_a_failed_restoration_leaves_nothing(
    changes: dict[str, Any], message: str, stored: Store, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match=message):
        restore(renamed(stored, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wrong_second_file_keeps_the_first_from_appearing(stored: Store, tmp_path: Path) -> None:
    assert stored.source is not None
    first, second = stored.source.files
    stored.source = replace(stored.source, files=(first, replace(second, sha256="0" * 64)))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(StoreError):
        restore(stored, out)
    assert os.listdir(out) == []


def test_a_folder_that_cannot_be_made_is_an_error(stored: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(TargetError):
            restore(stored, folder)


def test_a_store_that_was_not_made_from_files_has_nothing_to_restore(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not made from files"):
        restore(Store({}, {}), tmp_path / "out")


@st.composite
def sources(draw: st.DrawFn) -> tuple[list[tuple[np.ndarray, tuple[int, ...] | None]], list[bytes]]:
    """Draw arrays of a source, the permutation of each in the store, and the bytes between them."""
    arrays = []
    for _ in range(draw(st.integers(0, 4))):
        shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
        count = int(np.prod(shape, dtype=int)) * 2
        array = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), "<u2").reshape(shape)
        axes = draw(st.none() | st.permutations(range(len(shape))).map(tuple))
        arrays.append((array, axes))
    between = draw(st.lists(st.binary(max_size=5), min_size=len(arrays) + 1, max_size=len(arrays) + 1))
    return arrays, between


@settings(max_examples=100, deadline=None)
@given(sources())
def test_any_file_of_permuted_tensors_comes_back(
    source: tuple[list[tuple[np.ndarray, tuple[int, ...] | None]], list[bytes]],
) -> None:
    arrays, between = source
    tensors = {}
    pieces: list[int | Piece] = [len(between[0])]
    original = between[0]
    for number, ((array, axes), gap) in enumerate(zip(arrays, between[1:])):
        key = f"t{number}"
        tensors[key] = from_numpy(array if axes is None else array.transpose(axes))
        inverse = None if axes is None else tuple(int(axis) for axis in np.argsort(axes))
        pieces += [Piece(key, inverse), len(gap)]
        original += array.tobytes() + gap
    file = SourceFile("x.params", "parameters", "x", len(original), tuple(pieces), b"".join(between))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Store({}, tensors, source=StoreSource("mxnet", None, (file,))).save(folder / "m.safetensors")
        assert check(folder / "m.safetensors", data=True).problems == ()
        (restored,) = restore(neutral.open(folder / "m.safetensors"), folder / "out")
        assert restored.read_bytes() == original
