"""Ties are told from faults by evidence: what an operator gives for the recorded values before it."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pytest

from neutral.operators import catalogue
from neutral.reference.registry import load_functions
from neutral.verification.ties import Step, explain_ties, is_equal_up_to_ties

ROWS = np.float32([[[0.9, 1, 2], [0.5, 3, 4], [0.5, 5, 6], [-1, -1, -1]]])


def test_rows_of_equal_scores_may_be_exchanged_and_others_not() -> None:
    assert is_equal_up_to_ties(ROWS[:, [0, 2, 1, 3]], ROWS, (), 1e-5)
    assert not is_equal_up_to_ties(ROWS[:, [1, 0, 2, 3]], ROWS, (), 1e-5)
    changed = ROWS[:, [0, 2, 1, 3]].copy()
    changed[0, 1, 2] += 1
    assert not is_equal_up_to_ties(changed, ROWS, (), 1e-5)


def test_a_constant_column_does_not_excuse_the_order_of_scores() -> None:
    rows = np.float32([[0, 0.9, 1], [0, 0.5, 2], [0, 0.4, 3]])
    assert not is_equal_up_to_ties(rows[[1, 0, 2]], rows, (), 1e-5)


def test_positions_of_equal_numbers_may_be_exchanged_and_others_not() -> None:
    scores = np.float32([[3, 1, 1, 0]])
    golden = np.int64([[0, 1, 2]])
    assert is_equal_up_to_ties(np.int64([[0, 2, 1]]), golden, [scores], 0)
    assert not is_equal_up_to_ties(np.int64([[1, 0, 2]]), golden, [scores], 0)
    assert not is_equal_up_to_ties(np.int64([[0, 1, 1]]), golden, [scores], 0)
    assert not is_equal_up_to_ties(np.int64([[0, 2, 1]]), golden, [], 0)


STEPS = {
    "scores": Step(("data",), ("sigmoid",)),
    "order": Step(("scores",), ("top_k",)),
    "boxes": Step(("order", "data"), ("take",)),
    "other": Step(("data",), ("relu",)),
}
RECORDED: dict[str, Any] = {
    "data": np.float32([1, 2]),
    "scores": np.float32([0.5, 0.4999999]),
    "order": np.float32([0, 1]),
    "boxes": np.float32([1, 2]),
    "other": np.float32([1, 2]),
}


def reasons(wrong: tuple[str, ...], changed: Mapping[str, Any] | None = None) -> list[str]:
    computed = {**RECORDED, **(changed or {})}
    limits = dict.fromkeys(wrong, 1e-5)
    return list(explain_ties(STEPS, {"scores": 2e-7}, limits, RECORDED.__getitem__, lambda names: computed))


def test_a_sorting_of_numbers_that_differ_by_rounding_is_a_tie_and_so_is_what_follows() -> None:
    assert reasons(("order", "boxes", "other")) == ["order", "boxes"]


def test_an_operator_that_differs_from_the_recorded_values_too_is_no_tie() -> None:
    assert reasons(("order", "boxes"), {"order": np.float32([1, 0])}) == []
    assert reasons(("order", "boxes"), {"boxes": np.float32([2, 1])}) == ["order"]


def test_what_differs_before_the_sorting_or_only_after_it_is_no_tie() -> None:
    assert reasons(("scores", "order", "boxes")) == []
    assert reasons(("boxes",)) == []


@pytest.mark.parametrize("kind", ["sign", "floor", "ceil", "trunc", "round", "greater", "floor_divide", "remainder"])
def test_kinds_that_are_discontinuous_jump(kind: str) -> None:
    function = load_functions()[kind]
    options = {a.name: a.choices[-1] if not a.optional else None for a in catalogue[kind].attributes}
    others = [np.ones(1, np.float32)] * (len(catalogue[kind].inputs) - 1)
    places = {"sign": 0.0, "round": 0.5}.get(kind, 1.0)
    near = (np.float32([places - 1e-6]), np.float32([places + 1e-6]))
    low, high = (np.asarray(function(x, *others, **options), np.float32) for x in near)
    assert catalogue[kind].discontinuous and abs(high - low) > 0.5
