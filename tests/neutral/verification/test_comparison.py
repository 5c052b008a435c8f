"""Errors of arrays, and the causes that they look like."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neutral.verification.comparison import compare, likely_cause

GOLDEN = np.random.default_rng(0).normal(size=(2, 4, 6, 6))


def test_errors_are_in_units_of_the_largest_golden_magnitude() -> None:
    comparison = compare(np.array([0.0, 4.5]), np.array([0.5, -5.0]) * np.array([1, -1]))
    assert (comparison.max_error, comparison.scale, comparison.scaled_error) == (0.5, 5.0, 0.1)
    assert comparison.within(0.1) and not comparison.within(0.09)


def test_other_shapes_and_other_positions_of_nan_are_infinite_errors() -> None:
    assert compare(np.zeros((2, 3)), np.zeros((3, 2))).scaled_error == math.inf
    assert compare(np.array([1, math.nan]), np.array([math.nan, 1])).scaled_error == math.inf
    assert compare(np.zeros((2, 1, 3)), np.zeros((2, 3))).scaled_error == 0


def test_integers_have_to_be_equal() -> None:
    assert not compare(np.array([1, 2]), np.array([1, 3])).within(10)


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (-GOLDEN, "sign"),
        (GOLDEN * 2, "2 times the golden values"),
        (GOLDEN + 0.5, "constant offset"),
        (GOLDEN * 0, "all zeros"),
        (GOLDEN.swapaxes(-1, -2), "transposed"),
        (GOLDEN[:, ::-1], "other places"),
        (GOLDEN + np.arange(4).reshape(4, 1, 1), "each channel is off by a constant"),
        (GOLDEN * np.linspace(1, 2, 4).reshape(4, 1, 1), "a weight or a variance"),
        (np.pad(GOLDEN[..., 1:-1, 1:-1], ((0, 0), (0, 0), (1, 1), (1, 1))), "only the border differs"),
        (GOLDEN.transpose(0, 2, 3, 1), "another data layout"),
        (GOLDEN[..., :3, :3], "spatial size"),
        (GOLDEN[:1], "the shapes differ"),
        (np.where(GOLDEN[0, 0, 0, 0] == GOLDEN, math.nan, GOLDEN), "NaN"),
    ],
)
def test_a_difference_is_named_after_its_likely_cause(observed: np.ndarray, words: str) -> None:
    assert words in likely_cause(observed, GOLDEN)
