"""Random calls of a sample of operators: no difference from MXNet that ``docs/operator-coverage.md`` does not list."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from differential import table
from differential.calls import CONSTRAINTS, DTYPES, draw_calls
from differential.reasons import NEVER_ACCEPTED
from differential.running import Runner, operators, run_operator

pytest.importorskip("torch")

STRIDE = 20
"""One operator of so many is run: a budget of half a minute."""

NAMES = [case.operator for case in operators()]


@pytest.fixture
def runner(python_with_mxnet: str) -> Iterator[Runner]:
    runner = Runner(python_with_mxnet)
    yield runner
    runner.close()


def test_calls_follow_from_the_seed() -> None:
    for case in operators()[::50]:
        assert list(draw_calls(case, 3, 1)) == list(draw_calls(case, 3, 1))
    calls = [call for case in operators()[::50] for tries in draw_calls(case, 3, 1) for call in tries]
    assert {call["class"] for call in calls} == set(DTYPES)


def test_every_constraint_is_of_an_operator_and_every_operator_can_be_drawn() -> None:
    assert sorted(set(CONSTRAINTS) - set(NAMES)) == []
    for case in operators():
        assert len(list(draw_calls(case, 2, 0))) == 5


def test_the_table_lists_every_operator() -> None:
    text = table.TARGET.read_text(encoding="utf-8")
    assert [operator for operator in NAMES if f"| `{operator}` |" not in text] == []


def test_every_operator_has_calls_that_mxnet_accepts() -> None:
    outcomes = table.load_outcomes()["operators"]
    accepted = {
        operator
        for operator, of_operator in outcomes.items()
        if any(set(by_outcome) - {"invalid"} for by_outcome in of_operator["counts"].values())
    }
    assert len(accepted) > 400
    assert sorted(set(outcomes) - accepted) == sorted(NEVER_ACCEPTED)


@pytest.mark.filterwarnings("ignore")
def test_no_difference_is_new(tmp_path: Path, runner: Runner) -> None:
    known = table.load_outcomes()["operators"]
    equal = 0
    for case in operators()[::STRIDE]:
        ran = run_operator(case, 2, 0, runner, tmp_path)
        for dtypes, counts in ran["counts"].items():
            equal += counts.get("equal", 0)
            if counts.get("different"):
                listed = known.get(case.operator, {"counts": {}})["counts"].get(dtypes, {})
                assert listed.get("different"), ran["findings"][dtypes]
    assert equal > 30
