"""Real checkpoints as ONNX files: valid, and equal to the reference at every level of optimisation and simplified."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import onnx  # noqa: E402

import mxnet_to_neutral  # noqa: E402
import neutral.reference  # noqa: E402
from neutral.cli import main  # noqa: E402
from neutral_to_onnx import write  # noqa: E402
from shared_data import reason_to_skip, shared_data_folder  # noqa: E402

DATA = shared_data_folder() / "real"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=reason_to_skip())

LEVELS = onnxruntime.GraphOptimizationLevel
FORK = "BMXNet"
"""A project whose checkpoint has operators of a fork of MXNet, which are refused."""

SHAPES = {"det4-0001.params": {"data": (2, 15, 24, 24)}}
"""Shapes that neither graph nor layers tell: the channels are split into five equal parts first."""


def checkpoints() -> Iterator[Any]:
    """(symbol, parameters) of every real checkpoint with a graph."""
    if not DATA.is_dir():
        return
    with open(DATA / "MANIFEST.tsv", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            params, name = DATA / row["file"], (row["symbol"] or "none").split("!")[-1]
            found = [params.parent / name, *(DATA / row["file"].split("/")[0]).rglob(name)]
            symbol = next((path for path in found if path.is_file()), None)
            if row["kind"] == "params" and symbol is not None:
                yield pytest.param(symbol, params, id=row["file"])


def outputs(model: Path | bytes, level: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    results: list[np.ndarray] = session.run(None, {item.name: inputs[item.name] for item in session.get_inputs()})
    return results


def assert_close(results: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for result, wanted in zip(results, expected):
        assert result.shape == wanted.shape
        assert np.abs(result - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize(("symbol", "params"), list(checkpoints()))
def test_a_real_checkpoint(symbol: Path, params: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    if symbol.is_relative_to(DATA / FORK):
        assert main(["emit", str(symbol), str(params), "-o", str(path)]) != 0 and not path.exists()
        return
    with mxnet_to_neutral.read(symbol, params) as store:
        write(store, path)
        onnx.checker.check_model(str(path), full_check=True)
        inputs, _ = neutral.reference.draw_inputs(store, {}, SHAPES.get(params.name))
        expected = list(neutral.reference.run(store, inputs).values())
    for level in (LEVELS.ORT_DISABLE_ALL, LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED, LEVELS.ORT_ENABLE_ALL):
        assert_close(outputs(path, level, inputs), expected)
    onnxslim = pytest.importorskip("onnxslim", reason="onnxslim is not installed")
    assert_close(
        outputs(onnxslim.slim(onnx.load(str(path))).SerializeToString(), LEVELS.ORT_ENABLE_ALL, inputs), expected
    )
