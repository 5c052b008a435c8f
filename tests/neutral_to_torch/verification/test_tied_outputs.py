"""Outputs of emitted modules that ties decide: scores that another framework rounds, and so sorts, in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch.nn", reason="runs modules")

import neutral_to_torch
from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store

X = np.float32([[4.0, 1.0, 3.0, 1.0000001]])


def detector(largest: bool = True) -> Store:
    """Positions of the largest squares, times ten."""
    nodes = (
        Node("scores", "square", (Value("x"),), {}),
        Node("order", "top_k", (Value("scores"),), {"axis": 1, "count": 4, "largest": largest}),
        Node("places", "cast", (Value("order", 1),), {"dtype": "float32"}),
        Node("boxes", "multiply", (Value("places"), 10.0), {}),
    )
    return Store({}, {}, Graph((Input("x", (1, 4), "float32"),), nodes, (Value("boxes"), Value("scores"))))


def golden(folder: Path, order: list[int], scores: list[float]) -> Path:
    places = np.float32([order])
    values = {"scores": np.float32([scores]), "places": places, "boxes": 10 * places}
    return write_golden(folder / "golden.safetensors", {"x": X}, values, ["boxes", "scores"])


def test_an_output_that_rounding_orders_otherwise_is_not_compared(tmp_path: Path) -> None:
    store = detector()
    recorded = golden(tmp_path, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
    report = neutral_to_torch.verify(neutral_to_torch.build(store), recorded, store=store)
    assert report.ok and [row.source for row in report.rows] == ["internals.scores_output"]
    (tied,) = report.skipped
    assert tied.module == "internals.boxes_output" and tied.why.startswith("ties: places (top_k) orders or compares")


@pytest.mark.parametrize(
    ("order", "scores"), [([2, 0, 3, 1], [16.0, 1.0, 9.0, 1.0000002]), ([0, 2, 1, 3], [16.0, 2.0, 9.0, 1.0])]
)
def test_an_order_or_scores_that_rounding_does_not_explain_are_a_difference(
    tmp_path: Path, order: list[int], scores: list[float]
) -> None:
    """The recorded order is not that of the recorded scores; or these differ by more than rounding."""
    store = detector()
    report = neutral_to_torch.verify(neutral_to_torch.build(store), golden(tmp_path, order, scores), store=store)
    assert not report.ok and not report.skipped


def test_another_network_than_that_of_the_store_is_a_difference(tmp_path: Path) -> None:
    recorded = golden(tmp_path, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
    module = neutral_to_torch.build(detector(largest=False))
    report = neutral_to_torch.verify(module, recorded, store=detector())
    assert not report.ok and not report.skipped
