"""The ONNX column of the zoo matrix: equal and different models, reasons, and results that are completed later."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import matrix
import onnx_column
from run import Result, lacks_comparison, without_comparison

from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store


def measured(sensitivity: float = 0.0, unwritten: Sequence[str] = ()) -> dict[str, Any]:
    """What MXNet's side measures of a model."""
    return {"sensitivity": sensitivity, "unwritten": list(unwritten)}


def facts(folder: Path, kind: str = "relu", factor: float = 1, sensitivity: float = 0.0) -> dict[str, Any]:
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    golden = write_golden(folder / "g.safetensors", {"x": x}, {"y": factor * np.maximum(x, 0)}, ["y"])
    store = Store({}, {}, Graph((Input("x"),), (Node("y", kind, (Value("x"),), {}),), (Value("y"),)))
    return onnx_column.onnx_facts(store, str(golden), folder, 1e-4, measured(sensitivity))


def test_equal_different_and_refused_models(tmp_path: Path) -> None:
    assert facts(tmp_path) == {"onnx": "equal", "onnx_error": 0.0}
    different = facts(tmp_path, factor=1.5)
    assert different["onnx"] == "differs: output y by 3.3e-01"
    refused = facts(tmp_path, kind="gamma")
    assert refused["onnx"].startswith("refused: kind gamma: there is no standard operator for it")


def amplified(folder: Path, sensitivity: float) -> str:
    """What is said of a network whose first value is recorded with a rounding that the second one amplifies."""
    x = np.array([[1.0, 1.001]], np.float32)
    first = x * x
    moved = first + np.float32([[0, 1e-6]])
    last = np.exp(3e3 * (moved - first[:, :1])).astype(np.float32)
    nodes = (
        Node("first", "square", (Value("x"),), {}),
        Node("centred", "subtract", (Value("first"), float(first[0, 0])), {}),
        Node("scaled", "multiply", (Value("centred"), 3e3), {}),
        Node("last", "exp", (Value("scaled"),), {}),
    )
    store = Store({}, {}, Graph((Input("x", (1, 2), "float32"),), nodes, (Value("last"),)))
    values = {"first": moved, "centred": moved - first[:, :1], "scaled": 3e3 * (moved - first[:, :1]), "last": last}
    golden = write_golden(folder / "g.safetensors", {"x": x}, values, ["last"])
    return str(onnx_column.onnx_facts(store, str(golden), folder, 1e-4, measured(sensitivity))["onnx"])


def test_rounding_that_a_network_amplifies_is_said_where_mxnet_moves_as_far(tmp_path: Path) -> None:
    assert amplified(tmp_path, 1e-2) == "unstable: MXNet's own outputs move by 1.0e-02 when its input moves by rounding"
    assert amplified(tmp_path, 1e-3).startswith("differs: output last by")


def test_an_operator_that_is_wrong_is_no_rounding(tmp_path: Path) -> None:
    assert facts(tmp_path, factor=1.5, sensitivity=1.0)["onnx"] == "differs: output y by 3.3e-01"


def ties(folder: Path, unwritten: Sequence[str]) -> str:
    """What is said of a network that orders scores that are tied, and has another value that is recorded wrongly."""
    x = np.float32([[4.0, 1.0, 3.0, 1.0000001]])
    nodes = (
        Node("other", "exp", (Value("x"),), {}),
        Node("nothing", "multiply", (Value("other"), 0.0), {}),
        Node("squares", "square", (Value("x"),), {}),
        Node("scores", "add", (Value("squares"), Value("nothing")), {}),
        Node("order", "top_k", (Value("scores"),), {"axis": 1, "count": 4, "largest": True}),
        Node("places", "cast", (Value("order", 1),), {"dtype": "float32"}),
    )
    store = Store({}, {}, Graph((Input("x", (1, 4), "float32"),), nodes, (Value("places"),)))
    scores, places = np.float32([[16.0, 1.0000002, 9.0, 1.0]]), np.float32([[0, 2, 1, 3]])
    golden = write_golden(
        folder / "g.safetensors", {"x": x}, {"other": x, "scores": scores, "places": places}, ["places"]
    )
    return str(onnx_column.onnx_facts(store, str(golden), folder, 1e-4, measured(unwritten=unwritten))["onnx"])


def test_ties_are_said_with_their_evidence(tmp_path: Path) -> None:
    assert ties(tmp_path, ["other"]).startswith("ties: places (top_k) orders or compares numbers")


def test_ties_are_no_excuse_for_a_wrong_value_that_mxnet_writes(tmp_path: Path) -> None:
    assert ties(tmp_path, []).startswith("differs: output places by")


def test_a_model_that_needs_its_shapes_is_written_for_them(tmp_path: Path) -> None:
    x = np.arange(30, dtype=np.float32).reshape(1, 1, 5, 6)
    rows = [x[..., i * 5 // 2 : -(-(i + 1) * 5 // 2), :].mean(2) for i in range(2)]
    y = np.stack([np.stack([row[..., :3].mean(2), row[..., 3:].mean(2)], -1) for row in rows], 2)
    golden = write_golden(tmp_path / "g.safetensors", {"x": x}, {"y": y}, ["y"])
    node = Node("y", "adaptive_average_pool", (Value("x"),), {"output_size": (2, 2)})
    store = Store({}, {}, Graph((Input("x"),), (node,), (Value("y"),)))
    assert onnx_column.onnx_facts(store, str(golden), tmp_path, 1e-4, measured())["onnx"] == "equal"


def test_results_without_the_comparison_are_completed() -> None:
    rows = [
        {**vars(Result(f"mxnet/{s}", s)), "reference": "equal", "own": "filled"}
        for s in ("equal", "same", "ties", "differs")
    ]
    assert [lacks_comparison(row) for row in rows] == [True, False, True, True]
    rows[0].update(onnx="equal", onnx_error=2e-7)
    rows[2].update(onnx="differs: output y by 1.0e-02", onnx_error=1e-2)
    assert not lacks_comparison(rows[0])
    assert vars(without_comparison(rows[3], "not run: gone"))["onnx"] == "not run: gone"
    assert vars(without_comparison(rows[3], "not run: gone"))["reference"] == "equal"
    assert matrix.onnx_counts(rows) == "Of 3 models that are converted: 1 equal, 1 ties, 1 not compared yet."
    assert "|  |  |  | 2.0e-07 |  | filled | equal |" in matrix.document(
        rows, 4, {"mxnet": "1.9.1", "gluoncv": "0.10.5"}
    )
