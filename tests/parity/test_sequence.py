"""Operators on padded sequences against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

LENGTHS = np.array([1, 4, 2], "float32")


def sequence(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.RandomState(0).randn(*shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("rest", [(), (5,), (2, 5)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("value", [{}, {"value": -2.5}])
def test_mask(check_operator: Any, axis: int, rest: tuple[int, ...], value: dict[str, float], dtype: str) -> None:
    x = sequence(*((4, 3) if axis == 0 else (3, 4)), *rest, dtype=dtype)
    given = {"use_sequence_length": True, "axis": axis, **value}
    check_operator("SequenceMask", [x, LENGTHS.astype(dtype)], exact=True, **given)


def test_a_mask_hides_what_is_not_finite_and_may_hide_all(check_operator: Any) -> None:
    x = sequence(4, 3, 2)
    x[3] = np.nan
    x[2, 0] = np.inf
    lengths = np.array([0, 3, 1], "float32")
    check_operator("SequenceMask", [x, lengths], exact=True, use_sequence_length=True, value=float("-inf"))


def test_whole_lengths(check_operator: Any) -> None:
    check_operator("SequenceMask", [sequence(4, 3), LENGTHS.astype("int32")], exact=True, use_sequence_length=True)


def test_a_fraction_of_a_length_is_cut_off(check_operator: Any) -> None:
    x, lengths = sequence(4, 3, 2), LENGTHS + np.array([0.9, 0.0, 0.5], "float32")
    for operator in ("SequenceMask", "SequenceLast", "SequenceReverse"):
        check_operator(operator, [x, lengths], exact=True, use_sequence_length=True)


@pytest.mark.parametrize("operator", ["SequenceMask", "SequenceLast", "SequenceReverse"])
def test_without_lengths(check_operator: Any, operator: str) -> None:
    check_operator(operator, [sequence(4, 3, 2)], exact=True)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("rest", [(), (5,), (2, 5)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("with_lengths", [True, False])
def test_last(check_operator: Any, axis: int, rest: tuple[int, ...], with_lengths: bool, dtype: str) -> None:
    x = sequence(*((4, 3) if axis == 0 else (3, 4)), *rest, dtype=dtype)
    lengths = [LENGTHS.astype(dtype)] * with_lengths
    check_operator("SequenceLast", [x, *lengths], exact=True, use_sequence_length=with_lengths, axis=axis)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("rest", [(), (5,), (2, 5)])
def test_reverse(check_operator: Any, rest: tuple[int, ...], dtype: str) -> None:
    x = sequence(4, 3, *rest, dtype=dtype)
    check_operator("SequenceReverse", [x, LENGTHS.astype(dtype)], exact=True, use_sequence_length=True)
