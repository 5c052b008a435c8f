"""The column of the zoo matrix: limits, reasons, and results that are completed later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch.nn", reason="the zoo runs in PyTorch as well")

import matrix
import reference_column
from run import Result

from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store

MODEL: dict[str, Any] = {"unwritten": []}


def facts(folder: Path, kind: str = "relu", factor: float = 1) -> dict[str, Any]:
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    golden = write_golden(folder / "g.safetensors", {"x": x}, {"y": factor * np.maximum(x, 0)}, ["y"])
    store = Store({}, {}, Graph((Input("x"),), (Node("y", kind, (Value("x"),), {}),), (Value("y"),)))
    return reference_column.reference_facts(store, str(golden), MODEL, 1e-5)


def test_equal_different_and_refused_models(tmp_path: Path) -> None:
    assert facts(tmp_path) == {"reference": "equal", "reference_error": 0.0}
    different = facts(tmp_path, factor=1.5)
    assert different["reference"].startswith("differs: y (relu) by 3.3e-01")
    refused = facts(tmp_path, kind="opaque")
    assert refused["reference"].startswith("refused: ") and "opaque" in refused["reference"]


def test_models_beyond_the_limits_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_column, "MOST_BYTES", 10)
    assert facts(tmp_path)["reference"].startswith("not run: too large")
    monkeypatch.setattr(reference_column, "MOST_PRODUCTS", -1)
    assert "billion products" in facts(tmp_path)["reference"]


def test_results_without_the_comparison_are_completed() -> None:
    rows = [vars(Result(f"mxnet/{status}", status)) for status in ("equal", "same", "not exported", "int8")]
    assert [reference_column.is_missing(row) for row in rows] == [True, False, False, True]
    rows[0].update(reference="equal", reference_error=2e-7)
    assert not reference_column.is_missing(rows[0])
    assert matrix.reference_counts(rows) == "Of 2 models that are converted: 1 equal, 1 not compared yet."
    versions = {"mxnet": "1.9.1", "gluoncv": "0.10.5"}
    assert "|  |  |  | 2.0e-07 |  | equal |" in matrix.document(rows, 4, versions)
