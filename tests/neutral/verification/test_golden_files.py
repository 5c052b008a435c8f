"""Golden files that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neutral.errors import StoreError
from neutral.store.safetensors import write_tensors
from neutral.verification.golden import open_golden


@pytest.mark.parametrize("metadata", [{}, {"golden": "{"}, {"golden": '{"version": 2}'}, {"golden": "[]"}])
def test_other_files_are_no_golden_files(tmp_path: Path, metadata: dict[str, str]) -> None:
    write_tensors({}, tmp_path / "g.safetensors", metadata)
    with pytest.raises(StoreError, match="golden file"):
        open_golden(tmp_path / "g.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"framework": 7},
        {"outputs": ["a", 7]},
        {"outputs": [["a"]]},
        {"inputs": [{"name": "a", "key": 7, "label": False}]},
        {"internals": [{"node": "a", "index": "0", "key": "a"}]},
        {"internals": [{"node": "a", "index": 0, "key": None}]},
        {"notes": [1]},
    ],
)
def test_values_of_wrong_types_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    document = {"version": 1, "framework": "mxnet", "framework_version": "1.9.1", "inputs": [], "outputs": []}
    document.update({"internals": [], **change})
    write_tensors({}, tmp_path / "g.safetensors", {"golden": json.dumps(document)})
    with pytest.raises(StoreError, match=r"not a golden file \(TypeError: found .*, expected a value of type"):
        open_golden(tmp_path / "g.safetensors")
