"""Outputs of emitted modules that ties decide: scores that another framework rounds, and so sorts, in another way."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch.nn", reason="runs modules")

import neutral_to_torch
from tied_scores import detector, record

OUTPUTS = ["boxes", "scores"]


def test_an_output_that_rounding_orders_otherwise_is_not_compared(tmp_path: Path) -> None:
    store = detector(OUTPUTS)
    recorded = record(tmp_path, OUTPUTS, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
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
    store = detector(OUTPUTS)
    report = neutral_to_torch.verify(
        neutral_to_torch.build(store), record(tmp_path, OUTPUTS, order, scores), store=store
    )
    assert not report.ok and not report.skipped


def test_another_network_than_that_of_the_store_is_a_difference(tmp_path: Path) -> None:
    recorded = record(tmp_path, OUTPUTS, [0, 2, 1, 3], [16.0, 1.0000002, 9.0, 1.0])
    module = neutral_to_torch.build(detector(OUTPUTS, largest=False))
    report = neutral_to_torch.verify(module, recorded, store=detector(OUTPUTS))
    assert not report.ok and not report.skipped
