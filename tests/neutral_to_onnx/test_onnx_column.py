"""The ONNX column of the zoo matrix: equal and different models, reasons, and results that are completed later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import matrix
import onnx_column
from run import Result, lacks_comparison, without_comparison

from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store


def facts(folder: Path, kind: str = "relu", factor: float = 1) -> dict[str, Any]:
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    golden = write_golden(folder / "g.safetensors", {"x": x}, {"y": factor * np.maximum(x, 0)}, ["y"])
    store = Store({}, {}, Graph((Input("x"),), (Node("y", kind, (Value("x"),), {}),), (Value("y"),)))
    return onnx_column.onnx_facts(store, str(golden), folder, 1e-4)


def test_equal_different_and_refused_models(tmp_path: Path) -> None:
    assert facts(tmp_path) == {"onnx": "equal", "onnx_error": 0.0}
    different = facts(tmp_path, factor=1.5)
    assert different["onnx"] == "differs: output y by 3.3e-01"
    refused = facts(tmp_path, kind="gamma")
    assert refused["onnx"].startswith("refused: kind gamma: there is no standard operator for it")


def test_a_model_that_needs_its_shapes_is_written_for_them(tmp_path: Path) -> None:
    x = np.arange(30, dtype=np.float32).reshape(1, 1, 5, 6)
    rows = [x[..., i * 5 // 2 : -(-(i + 1) * 5 // 2), :].mean(2) for i in range(2)]
    y = np.stack([np.stack([row[..., :3].mean(2), row[..., 3:].mean(2)], -1) for row in rows], 2)
    golden = write_golden(tmp_path / "g.safetensors", {"x": x}, {"y": y}, ["y"])
    node = Node("y", "adaptive_average_pool", (Value("x"),), {"output_size": (2, 2)})
    store = Store({}, {}, Graph((Input("x"),), (node,), (Value("y"),)))
    assert onnx_column.onnx_facts(store, str(golden), tmp_path, 1e-4)["onnx"] == "equal"


def test_results_without_the_comparison_are_completed() -> None:
    rows = [{**vars(Result(f"mxnet/{s}", s)), "reference": "equal"} for s in ("equal", "same", "ties", "differs")]
    assert [lacks_comparison(row) for row in rows] == [True, False, True, True]
    rows[0].update(onnx="equal", onnx_error=2e-7)
    rows[2].update(onnx="differs: output y by 1.0e-02", onnx_error=1e-2)
    assert not lacks_comparison(rows[0])
    assert vars(without_comparison(rows[3], "not run: gone"))["onnx"] == "not run: gone"
    assert vars(without_comparison(rows[3], "not run: gone"))["reference"] == "equal"
    assert matrix.onnx_counts(rows) == "Of 3 models that are converted: 1 equal, 1 ties, 1 not compared yet."
    assert "|  |  |  | 2.0e-07 |  | equal |" in matrix.document(rows, 4, {"mxnet": "1.9.1", "gluoncv": "0.10.5"})
