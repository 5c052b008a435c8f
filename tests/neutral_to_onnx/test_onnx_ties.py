"""Verification of ONNX files tells ties from faults: numbers nearly equal that were sorted in another order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from golden_files import write_golden
from neutral.cli import main
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store
from neutral_to_onnx import verify, write
from tied_scores import X, detector, record

OUTPUTS = ["boxes"]


def test_scores_that_rounding_exchanges_are_no_difference(tmp_path: Path) -> None:
    write(detector(OUTPUTS), tmp_path / "net.onnx")
    recorded = record(tmp_path, OUTPUTS, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
    report = verify(tmp_path / "net.onnx", recorded)
    assert report.ok and [row.source for row in report.rows] == ["scores"]
    assert report.summary.startswith("equal: 1 layer and 0 outputs compared, 3 decided by ties; ")
    assert [item.module for item in report.skipped] == ["places", "boxes", "internals.boxes_output"]
    assert all(item.why.startswith("ties: places (top_k) orders or compares numbers") for item in report.skipped)


def test_scores_that_are_equal_may_be_in_any_order(tmp_path: Path) -> None:
    write(detector(OUTPUTS), tmp_path / "net.onnx")
    x = np.float32([[4.0, 1.0, 3.0, 1.0]])
    places = np.float32([[0, 2, 3, 1]])
    values = {"scores": x * x, "places": places, "boxes": 10 * places}
    recorded = write_golden(tmp_path / "golden.safetensors", {"x": x}, values, ["boxes"])
    report = verify(tmp_path / "net.onnx", recorded)
    assert report.ok and report.skipped[0].why.endswith("numbers that are equal")


@pytest.mark.parametrize("order", [[1, 2, 0, 3], [3, 1, 2, 0]])
def test_an_order_that_the_recorded_scores_do_not_have_is_a_difference(tmp_path: Path, order: list[int]) -> None:
    write(detector(OUTPUTS), tmp_path / "net.onnx")
    report = verify(tmp_path / "net.onnx", record(tmp_path, OUTPUTS, order))
    assert not report.ok and report.first_divergence is not None


def test_a_network_that_sorts_in_the_other_direction_is_a_difference(tmp_path: Path) -> None:
    write(detector(OUTPUTS, largest=False), tmp_path / "net.onnx")
    report = verify(tmp_path / "net.onnx", record(tmp_path, OUTPUTS, [0, 2, 3, 1]))
    assert not report.ok and not report.skipped
    last = report.rows[-2]
    assert last.source == "boxes" and last.hint.startswith("of values before it: from the recorded ones")


def test_the_command_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(detector(OUTPUTS), tmp_path / "net.onnx")
    recorded = record(tmp_path, OUTPUTS, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
    assert main(["verify", str(tmp_path / "net.onnx"), "--golden", str(recorded)]) == 0
    printed = capsys.readouterr().out
    assert "Not compared:" in printed and "ties: places (top_k) orders or compares numbers that differ" in printed


def test_values_that_follow_from_random_numbers_are_not_compared(tmp_path: Path) -> None:
    nodes = (
        Node("noise", "random_normal", (0.0, 1.0), {"shape": (1, 4), "dtype": "float32", "place": "whole"}),
        Node("y", "add", (Value("x"), Value("noise")), {}),
    )
    write(Store({}, {}, Graph((Input("x", (1, 4), "float32"),), nodes, (Value("y"),))), tmp_path / "net.onnx")
    noise = np.float32([[0.1, 0.2, 0.3, 0.4]])
    recorded = write_golden(tmp_path / "g.safetensors", {"x": X}, {"noise": noise, "y": X + noise}, ["y"])
    report = verify(tmp_path / "net.onnx", recorded)
    assert not report.rows and [item.layer for item in report.skipped] == ["noise", "y", "output"]
    assert all("random numbers that noise (random_normal) draws" in item.why for item in report.skipped)
