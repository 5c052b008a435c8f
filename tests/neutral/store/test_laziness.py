"""Opening a store, listing and checking it and saving it again import nothing heavy and read no tensor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import neutral
from neutral.errors import SourceError
from samples import run_python, sample_store

OPEN = """
import sys, neutral
store = neutral.open(sys.argv[1])
assert [layer.kind for layer in store.layers.values()] == ["linear", "prelu"]
assert store.tensors["fc.weight"].shape == (2, 3) and store.graph is not None
print(sorted({"numpy", "torch", "h5py", "safetensors", "mxnet"} & set(sys.modules)))
"""

SAVE = """
import sys, neutral
from neutral.store.check import check
store = neutral.open(sys.argv[1])
store.source = None
store.save(sys.argv[1])
assert check(sys.argv[1], data=True).ok
print(sorted({"numpy", "torch", "h5py", "safetensors", "mxnet"} & set(sys.modules)))
"""


@pytest.mark.parametrize("script", [OPEN, SAVE], ids=["open", "save"])
def test_nothing_heavy_is_imported(script: str, tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    run = run_python(script, str(tmp_path / "m.safetensors"))
    assert run.stdout == "[]\n", run.stderr


def test_tensors_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path)
    store = neutral.open(path)
    os.truncate(path, path.stat().st_size - 1)
    assert store["act.weight"].tolist() == [0.25]
    with pytest.raises(SourceError, match="ends here"):
        store["fc.weight"]
