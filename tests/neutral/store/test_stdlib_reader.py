"""A reader written from docs/format.md with the standard library alone, in under sixty lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neutral.source import Piece
from neutral.store import SourceFile, Store, StoreSource
from neutral.tensor import from_numpy
from samples import sample_store

READER = Path(__file__).with_name("stdlib_reader.py")


def run_reader(store: Path) -> subprocess.CompletedProcess[str]:
    """The reader runs without site-packages and without this project's folders."""
    return subprocess.run([sys.executable, "-I", "-S", str(READER), str(store)], capture_output=True, text=True)


def test_it_is_short() -> None:
    assert len(READER.read_text(encoding="utf-8").splitlines()) < 60


def test_it_lists_layers_and_verifies_tensors_and_files(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    run = run_reader(tmp_path / "m.safetensors")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "fc linear {'bias': [2], 'weight': [2, 3]}",
        "act prelu {'weight': [1]}",
        "verified 3 tensors and 2 files",
    ]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", ["<f4", "|u1", "<i8"])
def test_it_restores_permuted_tensors_of_any_shape(shape: tuple[int, ...], dtype: str, tmp_path: Path) -> None:
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
    axes = (*range(1, len(shape)), 0)[: len(shape)]
    original = b"head" + np.ascontiguousarray(array.transpose(axes)).tobytes()
    file = SourceFile("x", "parameters", "x", len(original), (4, Piece("t", axes)), b"head")
    file_on_disk = tmp_path / "x"
    file_on_disk.write_bytes(original)
    store = Store({}, {"t": from_numpy(array)}, source=StoreSource("test", None, (file,)))
    store.save(tmp_path / "m.safetensors")
    run = run_reader(tmp_path / "m.safetensors")
    assert run.stdout == "verified 1 tensors and 1 files\n", run.stderr


@pytest.mark.parametrize("place", ["header", "data"])
def test_it_notices_damage(place: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path)
    content = bytearray(path.read_bytes())
    content[-1 if place == "data" else content.index(b"FullyConnected")] ^= 1
    path.write_bytes(content)
    assert "AssertionError" in run_reader(path).stderr


def test_the_document_names_the_reader() -> None:
    document = (READER.parents[3] / "docs" / "format.md").read_text(encoding="utf-8")
    assert os.path.relpath(READER, READER.parents[3] / "docs").replace(os.sep, "/") in document
