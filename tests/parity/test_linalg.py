"""Linear algebra against real MXNet, in classic and in NumPy mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.lines import given

RANDOM = np.random.RandomState(0)


def matrices(*shape: int, dtype: str = "float32") -> np.ndarray:
    return RANDOM.uniform(-1, 1, shape).astype(dtype)


def positive(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Symmetric positive definite matrices."""
    a = matrices(*shape, dtype="float64")
    return (a @ np.swapaxes(a, -1, -2) + shape[-1] * np.eye(shape[-1])).astype(dtype)


def triangular(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Well conditioned; the other triangle holds numbers that must not matter."""
    return (matrices(*shape) / 4 + 2 * np.eye(shape[-1])).astype(dtype)


DTYPES = ["float32", "float64"]
SHAPES = [(3, 3), (2, 4, 4), (2, 1, 3, 3)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_cholesky(check_operator: Any, shape: tuple[int, ...], dtype: str) -> None:
    a = positive(*shape, dtype=dtype)
    check_operator("_linalg_potrf", [a])
    check_operator("_linalg_potri", [np.linalg.cholesky(a)])
    check_operator("_linalg_sumlogdiag", [a])


@pytest.mark.parametrize("alpha", [1.0, -0.5])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("rightside", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
@pytest.mark.parametrize("operator", ["_linalg_trsm", "_linalg_trmm"])
def test_triangular(
    check_operator: Any, operator: str, transpose: bool, rightside: bool, lower: bool, alpha: float
) -> None:
    b = matrices(2, 5, 3) if rightside else matrices(2, 3, 5)
    attributes = {"transpose": transpose, "rightside": rightside, "lower": lower, "alpha": alpha}
    check_operator(operator, [triangular(2, 3, 3), b], **attributes)


def test_triangular_without_attributes(check_operator: Any) -> None:
    check_operator("_linalg_trsm", [triangular(3, 3), matrices(3, 2)])
    check_operator("_linalg_trmm", [triangular(3, 3), matrices(3, 2)])


@pytest.mark.parametrize("attributes", [{}, {"transpose": True}, {"alpha": 2.5}, {"transpose": True, "alpha": -1.0}])
def test_syrk(check_operator: Any, attributes: dict[str, Any]) -> None:
    check_operator("_linalg_syrk", [matrices(2, 3, 4)], **attributes)


@pytest.mark.parametrize("offset", [0, 1, -1, 2])
def test_diagonals(check_operator: Any, offset: int) -> None:
    check_operator("_linalg_extractdiag", [matrices(2, 4, 4)], offset=offset)
    check_operator("_linalg_makediag", [matrices(2, 3)], offset=offset)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("offset", [0, 1, -1, -2])
def test_triangles(check_operator: Any, offset: int, lower: bool) -> None:
    check_operator("_linalg_extracttrian", [matrices(2, 4, 4)], offset=offset, lower=lower)
    check_operator("_linalg_maketrian", [matrices(2, 6)], offset=offset, lower=lower)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_inverse_and_determinant(check_operator: Any, shape: tuple[int, ...], dtype: str) -> None:
    a = triangular(*shape, dtype=dtype)
    check_operator("_linalg_inverse", [a])
    check_operator("_linalg_det", [a], output=0)
    check_operator("_linalg_slogdet", [a])
    check_operator("_linalg_slogdet", [-a[..., ::-1, :]])


@pytest.mark.parametrize("shape", SHAPES)
def test_eigenvectors(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("_linalg_syevd", [positive(*shape, dtype="float64")])


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 3), (2, 2, 5)])
def test_lq(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("_linalg_gelqf", [matrices(*shape, dtype="float64")])


A, B, T = positive(2, 3, 3, dtype="float64"), matrices(2, 3, 2, dtype="float64"), triangular(3, 3, dtype="float64")
R = matrices(3, 4, dtype="float64")

LINES = [
    "linalg.cholesky(a)",
    "linalg.inv(t)",
    "linalg.inv(a)",
    "linalg.det(a)",
    "linalg.det(t)",
    "linalg.slogdet(a)",
    "linalg.solve(a, b)",
    "linalg.eigvalsh(a)",
    "linalg.eigvalsh(t, UPLO='U')",
    "linalg.eigh(a)",
    "linalg.svd(r)[1]",
    "np.matmul(linalg.svd(r)[0] * linalg.svd(r)[1], linalg.svd(r)[2])",
]


@pytest.mark.parametrize("line", LINES)
def test_lines(check_numpy: Any, line: str) -> None:
    check_numpy(line, **given(line, a=A, b=B, t=T, r=R))


def test_pseudo_inverse(check_numpy1: Any) -> None:
    """MXNet 2.0.0b1 crashes at it."""
    check_numpy1("linalg.pinv(r)", r=R)


@pytest.mark.parametrize("line", ["linalg.cholesky(a, upper=True)", "linalg.qr(r)", "linalg.qr(a)"])
def test_lines_of_mxnet_2(check_numpy2: Any, line: str) -> None:
    check_numpy2(line, **given(line, a=A, b=B, t=T, r=R))


@pytest.mark.parametrize(
    "line",
    [
        "linalg.tensorinv(n, ind=1)",
        "linalg.tensorinv(m)",
        "linalg.tensorsolve(t, r)",
        "linalg.tensorsolve(s, q)",
        "linalg.tensorsolve(s, q, (0,))",
        "linalg.eigvals(t)",
        "linalg.eig(t)",
        "linalg.eig(k)",
    ],
)
def test_tensors_as_matrices(check_numpy: Any, line: str) -> None:
    tensors = {"n": matrices(4, 2, 2, dtype="float64"), "m": matrices(2, 3, 3, 2, dtype="float64")}
    systems = {"s": matrices(2, 3, 2, 3, dtype="float64"), "q": matrices(2, 3, dtype="float64"), "r": T[0]}
    check_numpy(line, **given(line, t=T, k=np.array([[2, 1], [1, 3]], "int32"), **tensors, **systems))


def test_pseudo_inverse_by_tensor(check_numpy1: Any) -> None:
    """MXNet 2.0.0b1 crashes at it."""
    matrix, rcond = positive(2, 3, 3, dtype="float64"), np.array([1e-9, 0.4])
    check_numpy1("linalg.pinv(a, rcond=c)", a=matrix, c=rcond)
