"""Distinct elements and counts against MXNet 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.lines import given

A = np.array([[3, 1, 2, 1], [0, 5, 3, 1], [3, 1, 2, 1]], "float32")
K = np.array([2, 0, 1, 1, 4], "int32")
W = np.array([0.5, 1, 2, 3.5, 6], "float32")
ARRAYS = {"a": A, "k": K, "w": W}

LINES = [
    "np.bincount(k)",
    "np.bincount(k, minlength=7)",
    "np.bincount(k, minlength=2)",
    "np.bincount(k, weights=w)",
    "np.bincount(k, weights=k, minlength=9)",
    "np.unique(k)",
    "np.unique(a)",
    "np.unique(a, axis=0)",
    "np.unique(a, axis=-1)",
    "np.unique(a, return_counts=True)",
    "np.unique(k, return_inverse=True)",
    "np.unique(a, return_index=True, return_inverse=True, return_counts=True)",
    "np.unique(a, return_index=True, return_inverse=True, return_counts=True, axis=0)",
    "np.unique(a, return_index=True, axis=1)",
]


@pytest.mark.parametrize("line", LINES)
def test_counts(check_numpy2: Any, line: str) -> None:
    """The extents depend on the input, which an executor of MXNet 1 does not tell."""
    check_numpy2(line, exact=True, **given(line, **ARRAYS))


def test_histogram_by_edges(check_numpy: Any) -> None:
    check_numpy("np.histogram(a, bins=w)", exact=True, a=A, w=W)


FORMS = [
    (4, 0, 4, "float32"),
    (3, 0.5, 3, "float64"),
    (7, -1.3, 5.1, "float32"),
    (2, 1, 1, "float32"),
    (4, 0, 4, "int32"),
]


@pytest.mark.parametrize("count, low, high, dtype", FORMS)
def test_histogram_by_count(check_numpy1: Any, count: int, low: float, high: float, dtype: str) -> None:
    """MXNet 2.0.0b1 crashes at it."""
    a = np.random.RandomState(0).uniform(-2, 6, (5, 6)).round(1).astype(dtype)
    check_numpy1(f"np.histogram(a, bins={count}, range=({low}, {high}))", exact=True, a=a)
