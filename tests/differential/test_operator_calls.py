"""Random calls of a sample of operators: no difference from MXNet that ``docs/operator-coverage.md`` does not list."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from differential import table
from differential.calls import CONSTRAINTS, DTYPES, draw_calls, with_dtype
from differential.reasons import NEVER_ACCEPTED
from differential.running import Runner, operators, run_operator
from mxnet_side.client import mxnet2_python

pytest.importorskip("torch")

STRIDE = 30
"""One operator of so many is run in each version: a budget of a minute."""

EVERY = [case for version in table.RELEASES for case in operators(version)]


@pytest.fixture(params=[pytest.param(version, id=release) for version, release in table.RELEASES.items()])
def version(request: pytest.FixtureRequest) -> int:
    """Return each of the versions in turn."""
    return int(request.param)


@pytest.fixture
def runner(version: int, request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Run calls in a version."""
    python = request.getfixturevalue("python_with_mxnet") if version == 10901 else mxnet2_python()
    if python is None:
        pytest.skip("MXNet 2 is not installed; set NEUTRAL_MXNET2_PYTHON to a Python that has it")
    runner = Runner(python)
    yield runner
    runner.close()


def test_calls_follow_from_the_seed() -> None:
    for case in EVERY[::50]:
        assert list(draw_calls(case, 3, 1)) == list(draw_calls(case, 3, 1))
    calls = [call for case in EVERY[::50] for tries in draw_calls(case, 3, 1) for call in tries]
    assert {call["class"] for call in calls} == set(DTYPES)


def test_every_dtype_of_a_class_has_its_turn() -> None:
    for case in EVERY[::50]:
        dtypes = {tries[0]["dtype"] for tries in draw_calls(case, 8, 0)}
        assert dtypes == {dtype for of_class in DTYPES.values() for dtype in of_class}


def test_a_call_in_another_dtype_differs_in_it_alone() -> None:
    (call, *_), *_ = draw_calls(next(case for case in EVERY if case.operator == "take"), 1, 0)
    other = with_dtype(call, "int32")
    assert [array["dtype"] for array in other["inputs"].values()] == ["int32", "int32"]
    assert {name: array["shape"] for name, array in other["inputs"].items()} == {
        name: array["shape"] for name, array in call["inputs"].items()
    }
    assert other["attributes"] == call["attributes"] and '"__dtype__": "4"' in other["symbol"]


def test_every_constraint_is_of_an_operator_and_every_operator_can_be_drawn() -> None:
    constrained = {operator for of_version in CONSTRAINTS.values() for operator in of_version}
    assert sorted(constrained - {case.operator for case in EVERY}) == []
    for case in EVERY:
        assert len(list(draw_calls(case, 2, 0))) == 5


def test_the_table_lists_every_operator() -> None:
    text = table.TARGET.read_text(encoding="utf-8")
    sections = {release: text.partition(f"## MXNet {release}\n")[2] for release in table.RELEASES.values()}
    for case in EVERY:
        assert f"| `{case.operator}` |" in sections[table.RELEASES[case.version]]


def test_every_class_of_every_operator_has_an_outcome(version: int) -> None:
    """Either MXNet accepts a call of the class, or it has no kernel for its dtypes, or it crashes."""
    outcomes = table.load_outcomes(version)["operators"]
    assert sorted(outcomes) == sorted(case.operator for case in operators(version))
    undecided = {
        (operator, dtypes)
        for operator, of_operator in outcomes.items()
        for dtypes, by_outcome in of_operator["counts"].items()
        if not set(by_outcome) - {"invalid"}
    }
    assert {operator for operator, _ in undecided} <= set(NEVER_ACCEPTED.get(version, {}))


def test_an_operator_in_a_dtype_without_a_kernel(version: int, runner: Runner, tmp_path: Path) -> None:
    bitwise = next(case for case in operators(version) if case.operator == "_npi_bitwise_and")
    ran = run_operator(bitwise, 2, 0, runner, tmp_path)
    assert ran["counts"]["float"] == {"unsupported": 2} and ran["unsupported"] == ["float16", "float32", "float64"]


@pytest.mark.filterwarnings("ignore")
def test_no_difference_is_new(version: int, runner: Runner, tmp_path: Path) -> None:
    known = table.load_outcomes(version)["operators"]
    equal = 0
    for case in operators(version)[::STRIDE]:
        ran = run_operator(case, 2, 0, runner, tmp_path)
        for dtypes, counts in ran["counts"].items():
            equal += counts.get("equal", 0)
            if counts.get("different"):
                listed = known.get(case.operator, {"counts": {}})["counts"].get(dtypes, {})
                assert listed.get("different"), ran["findings"][dtypes]
    assert equal > 20
