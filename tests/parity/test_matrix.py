"""Products of matrices and tensors against real MXNet, which computes them in float32 and float64 on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype(dtype)


A, B = {"transpose_a": True}, {"transpose_b": True}

CASES: list[tuple[str, list[tuple[int, ...]], dict[str, Any]]] = [
    ("dot", [(2, 3), (3, 4)], {}),
    ("dot", [(2, 3), (2, 4)], A),
    ("dot", [(2, 3), (4, 3)], B),
    ("dot", [(3, 2), (4, 3)], {**A, **B}),
    ("dot", [(3,), (3,)], {}),
    ("dot", [(2, 3), (3,)], {}),
    ("dot", [(3, 2), (3,)], A),
    ("dot", [(3,), (3, 4)], {}),
    ("dot", [(3,), (4, 3)], B),
    ("dot", [(2, 3, 4), (4, 5)], {}),
    ("dot", [(2, 3, 4), (4,)], {}),
    ("dot", [(2, 3, 4), (4, 5, 6)], {}),
    ("dot", [(2, 3, 4), (5, 6, 4)], B),
    ("dot", [(2, 3, 4), (2, 5, 6)], A),
    ("dot", [(2, 3, 4), (2, 5)], A),
    ("dot", [(2, 3, 4), (6, 5, 2)], {**A, **B}),
    ("batch_dot", [(2, 3, 4), (2, 4, 5)], {}),
    ("batch_dot", [(2, 4, 3), (2, 4, 5)], A),
    ("batch_dot", [(2, 3, 4), (2, 5, 4)], B),
    ("batch_dot", [(2, 4, 3), (2, 5, 4)], {**A, **B}),
    ("batch_dot", [(6, 2, 3, 4), (6, 2, 4, 5)], {}),
    ("_linalg_gemm", [(2, 3), (3, 4), (2, 4)], {}),
    ("_linalg_gemm", [(5, 2, 3), (5, 4, 3), (5, 2, 4)], {"alpha": 2, "beta": 0.5, **B}),
    ("_linalg_gemm", [(2, 5, 3), (3, 5, 4), (2, 5, 4)], {"axis": 0, "alpha": -1}),
    ("_linalg_gemm2", [(2, 3), (3, 4)], {}),
    ("_linalg_gemm2", [(5, 3, 2), (5, 3, 4)], {"alpha": 2, **A}),
    ("_linalg_gemm2", [(2, 5, 3), (4, 5, 3)], {"axis": 0, **B}),
    ("_linalg_gemm2", [(6, 2, 5, 3), (6, 3, 5, 4)], {"axis": 1}),
    ("_linalg_gemm2", [(6, 2, 5, 3), (6, 3, 5, 4)], {"axis": -3}),
    ("khatri_rao", [(2, 3)], {}),
    ("khatri_rao", [(2, 3), (4, 3)], {}),
    ("khatri_rao", [(2, 3), (4, 3), (2, 3)], {}),
]


@pytest.mark.parametrize(("operator", "shapes", "attributes"), CASES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_products(
    check_operator: Any, operator: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], declared: bool
) -> None:
    arrays = [data(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    check_operator(operator, arrays, declared=declared, **attributes)


@pytest.mark.parametrize("operator", ["dot", "_linalg_gemm2"])
def test_float64(check_operator: Any, operator: str) -> None:
    check_operator(operator, [data(2, 3, dtype="float64"), data(3, 4, dtype="float64")])


def test_a_stored_matrix(check_operator: Any) -> None:
    check_operator("dot", [data(2, 3), data(3, 4)], parameters=[1])
