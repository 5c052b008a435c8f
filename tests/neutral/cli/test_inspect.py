from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cli_cases import PARTS, Run, linear_store
from neutral.store import Store


def test_the_table_of_a_store(run: Run, store: Path) -> None:
    assert run("inspect", store).out == (
        f"{store}: store of mxnet 1.9.1\n"
        "1 layer, 3 tensors, 8 parameters, 0 in buffers, 64 bytes\n"
        "file: parts.bin: parameters, parts, 68 bytes\n"
        "inputs: data (?, 3) float32\n"
        "outputs: fc1 (1 node)\n"
        "\n"
        "layer  kind    role    dtype  shape   parameters  typed by\n"
        "fc1    linear  weight  F32    (2, 3)           8  graph\n"
        "               bias    F32    (2)\n"
        "\n"
        "tensor of no layer  dtype  shape  elements\n"
        "spare               I64    (4)           4\n"
        "\n"
        "note: array 'spare' is not used by the graph\n"
    )


def test_the_document_of_a_store(run: Run, store: Path) -> None:
    document = run("inspect", store, "--json").json
    assert list(document) == ["path", "is_store", "source", "totals", "graph", "layers", "others", "notes"]
    assert document["is_store"] is True
    assert document["totals"] == {"layers": 1, "tensors": 3, "parameters": 8, "buffers": 0, "bytes": 64}
    digest = hashlib.sha256(b"head" + PARTS).hexdigest()
    file = {"name": "parts.bin", "role": "parameters", "format": "parts", "size": 68, "sha256": digest}
    assert document["source"] == {"framework": "mxnet", "version": "1.9.1", "files": [file]}
    assert document["graph"] == {
        "inputs": [{"name": "data", "shape": [None, 3], "dtype": "float32"}],
        "outputs": [{"node": "fc1", "output": 0}],
        "nodes": 1,
    }
    common = {"dtype": "F32", "buffer": False}
    assert document["layers"] == [
        {
            "name": "fc1",
            "kind": "linear",
            "typed_by": "graph",
            "node": "fc1",
            "operator": "FullyConnected",
            "attributes": {"out_features": 2, "flatten": False},
            "parameters": 8,
            "tensors": [
                {"role": "weight", "key": "fc1.weight", "shape": [2, 3], "elements": 6, **common},
                {"role": "bias", "key": "fc1.bias", "shape": [2], "elements": 2, **common},
            ],
        }
    ]
    assert document["others"] == [{"key": "spare", "dtype": "I64", "shape": [4], "elements": 4}]


def test_a_checkpoint_shows_what_its_store_would_hold(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    raw = run("inspect", checkpoint, "--json").json
    assert raw["is_store"] is False
    assert raw["source"]["framework"] == "mxnet"
    assert {file["role"] for file in raw["source"]["files"]} == {"parameters", "graph"}
    run("export", checkpoint, "-o", tmp_path / "model.safetensors")
    stored = run("inspect", tmp_path / "model.safetensors", "--json").json
    assert [stored[key] for key in ("layers", "totals", "graph")] == [raw[key] for key in ("layers", "totals", "graph")]


def test_a_symbol_and_its_parameters_in_any_order(run: Run, checkpoint: Path) -> None:
    files = [f"{checkpoint}-symbol.json", f"{checkpoint}-0000.params"]
    one, other = (run("inspect", *pair, "--json").json for pair in (files, files[::-1]))
    assert one["layers"] == other["layers"]
    assert one["layers"][0]["kind"] == "linear"


def test_a_store_without_a_graph_is_reported(run: Run, tmp_path: Path) -> None:
    store = linear_store()
    path = tmp_path / "store.safetensors"
    Store(store.layers, store.tensors).save(path)
    result = run("inspect", path)
    assert "graph: none" in result.out
    assert run("inspect", path, "--json").json["graph"] is None


def test_every_real_checkpoint_can_be_inspected(run: Run, shared_data: Path) -> None:
    paths = sorted((shared_data / "real").rglob("*.params"))
    if not paths:
        pytest.skip("there are no real checkpoints")
    for path in paths:
        result = run("inspect", path, "--json")
        assert result.code == 0, result.err
        assert result.json["totals"]["parameters"] > 0
