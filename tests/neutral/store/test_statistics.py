"""Statistics of a tensor's elements."""

from __future__ import annotations

import numpy as np

from neutral.store.statistics import Statistics, statistics_of
from neutral.tensor import from_numpy


def test_integers_have_no_nan() -> None:
    assert statistics_of(from_numpy(np.array([-3, 0, 6], np.int8))) == Statistics(-3, 6, 1.0, 0, 0, 1)


def test_without_a_finite_element_there_is_no_extreme_and_no_mean() -> None:
    elements = np.array([np.nan, np.inf, -np.inf], np.float32)
    assert statistics_of(from_numpy(elements)) == Statistics(None, None, None, 1, 2, 0)


def test_an_empty_tensor_has_no_extreme_and_no_mean() -> None:
    assert statistics_of(from_numpy(np.zeros((0, 3), np.float32))) == Statistics(None, None, None, 0, 0, 0)
