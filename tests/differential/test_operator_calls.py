"""Random calls of a sample of operators: no difference from MXNet that ``docs/operator-coverage.md`` does not list."""

from __future__ import annotations

from pathlib import Path

import pytest

from differential import table
from differential.calls import draw_calls
from differential.running import count_outcomes, operators
from mxnet_side.client import mxnet_python

pytest.importorskip("torch")

STRIDE = 20
"""One operator of so many is run: a budget of half a minute."""


def test_calls_follow_from_the_seed() -> None:
    for case in operators()[::50]:
        assert list(draw_calls(case, 3, 1)) == list(draw_calls(case, 3, 1))
    calls = [call for case in operators()[::50] for tries in draw_calls(case, 3, 1) for call in tries]
    assert {call["class"] for call in calls} == {"float", "integer", "bool"}


def test_the_table_lists_every_operator() -> None:
    text = table.TARGET.read_text(encoding="utf-8")
    assert [case.operator for case in operators() if f"| `{case.operator}` |" not in text] == []


@pytest.mark.filterwarnings("ignore")
def test_no_difference_is_new(tmp_path: Path) -> None:
    python = mxnet_python()
    if python is None:
        pytest.skip("MXNet is not installed; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    counts, details = count_outcomes(operators()[::STRIDE], 2, 0, python, tmp_path)
    known = table.known_differences()
    different = {key: details[key] for key, by_outcome in counts.items() if by_outcome["different"]}
    assert {key: text for key, text in different.items() if key not in known} == {}
    assert sum(by_outcome["equal"] for by_outcome in counts.values()) > 30
