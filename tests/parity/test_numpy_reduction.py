"""Reductions and products in NumPy mode against MXNet 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.lines import given

RANDOM = np.random.RandomState(0)
X = RANDOM.uniform(-2, 2, (2, 3, 4)).astype("float32")
A = RANDOM.uniform(-2, 2, (3, 4)).astype("float32")
B = RANDOM.uniform(-2, 2, (4, 2)).astype("float32")
V = RANDOM.uniform(-2, 2, 4).astype("float32")
S = np.array(1.5, "float32")
I = np.array([[3, 1, 2], [0, 5, 4]], "int32")  # noqa: E741
M = np.array([[True, False, True], [True, True, True]])
ARRAYS = {"x": X, "a": A, "b": B, "v": V, "s": S, "i": I, "m": M}

FORMS = ["", ", axis=1", ", axis=-1", ", axis=(0, 2)", ", keepdims=True", ", axis=0, keepdims=True"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "std", "var"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reduction(check_numpy: Any, name: str, form: str, dtype: str) -> None:
    check_numpy(f"np.{name}(x{form})", x=X.astype(dtype))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reduction_of_halves(check_numpy: Any, name: str) -> None:
    check_numpy(f"np.{name}(x, axis=1)", x=X.astype("float16"))


def test_product_of_many_halves(check_numpy: Any) -> None:
    """Products of every other factor overflow in float16."""
    check_numpy("np.prod(x)", exact=True, x=np.float16([3, *60 * [4, 0.25], *200 * [1]]))


@pytest.mark.parametrize("form", ["", ", axis=1", ", axis=(0, 2), ddof=1", ", axis=-1, keepdims=True"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["var", "std"])
def test_wider_deviation_of_halves(check_numpy: Any, name: str, dtype: str, form: str) -> None:
    """MXNet rounds the mean, the differences and their squares to float16, which shows in the wider result."""
    check_numpy(f"np.{name}(x.astype('float16'), dtype='{dtype}'{form})", x=X)


@pytest.mark.parametrize("form", ["", ", axis=1", ", axis=0, keepdims=True"])
@pytest.mark.parametrize("name", ["any", "all"])
def test_truths(check_numpy: Any, name: str, form: str) -> None:
    check_numpy(f"np.{name}(m{form})", exact=True, m=M)
    check_numpy(f"np.{name}(x > 0{form})", exact=True, x=X)
    check_numpy(f"np.{name}(i{form})", exact=True, i=I)


OTHERS = [
    "np.sum(i)",
    "np.sum(i, axis=0)",
    "np.prod(i, axis=1)",
    "np.mean(i)",
    "np.mean(i, axis=1)",
    "np.max(i)",
    "np.min(i, axis=0)",
    "np.sum(m)",
    "np.sum(m, axis=0)",
    "np.mean(m, axis=1)",
    "np.sum(i, dtype='float32')",
    "np.sum(a, dtype='float64')",
    "np.mean(i, dtype='float64')",
    "np.var(x, ddof=1)",
    "np.std(x, axis=(1, 2), ddof=1, keepdims=True)",
    "np.cumsum(a)",
    "np.cumsum(a, axis=1)",
    "np.cumsum(i, axis=0)",
    "np.cumsum(m, axis=1)",
    "np.cumsum(a, axis=0, dtype='float64')",
    "np.argmax(x, axis=0)",
    "np.argmin(i, axis=1)",
    "np.argmax(i)",
    "np.average(a)",
    "np.average(a, axis=0)",
    "np.average(a, weights=a * a)",
    "np.average(a, axis=-1, weights=v * v)",
    "np.linalg.norm(a)",
    "np.linalg.norm(x, axis=1)",
    "np.linalg.norm(x, ord=1, axis=-1)",
    "np.linalg.norm(x, ord=2, axis=0, keepdims=True)",
    "np.linalg.norm(v, ord=3, axis=0)",
    "np.linalg.norm(v, ord='inf')",
    "np.linalg.norm(x, ord='-inf', axis=1)",
    "np.linalg.norm(x, ord=0, axis=-1)",
    "np.linalg.norm(a, 'fro')",
    "np.linalg.norm(x, 'fro', axis=(0, 2))",
    "np.linalg.norm(a, 1, axis=(0, 1))",
    "np.linalg.norm(x, -1, axis=(1, 2))",
    "np.linalg.norm(x, 'inf', axis=(1, 2), keepdims=True)",
    "np.percentile(a, 40)",
    "np.percentile(a, 25, axis=1)",
    "np.percentile(a, 75, axis=0, interpolation='lower', keepdims=True)",
    "np.quantile(a, 0.3, axis=-1)",
    "np.sum(s)",
    "np.max(a.reshape(-1))",
]


@pytest.mark.parametrize("expression", OTHERS)
def test_others(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, **given(expression, **ARRAYS))


PRODUCTS = [
    "np.dot(a, b)",
    "np.dot(x, b)",
    "np.dot(a, v)",
    "np.dot(v, v)",
    "np.dot(x, v)",
    "np.dot(a, s)",
    "np.dot(v[:3], x)",
    "np.dot(x, b.reshape(1, 4, 2))",
    "np.matmul(a, b)",
    "np.matmul(x, b)",
    "np.matmul(a, v)",
    "np.matmul(v[:3], a)",
    "np.matmul(v, v)",
    "np.matmul(x, np.swapaxes(x, 1, 2))",
    "np.tensordot(x, a, axes=([1, 2], [0, 1]))",
    "np.tensordot(x, a, 2)",
    "np.tensordot(x, b, axes=1)",
    "np.tensordot(v, v, axes=0)",
    "np.tensordot(x, x, axes=([0, -1], [0, -1]))",
    "np.inner(a, a)",
    "np.outer(v, v)",
    "np.vdot(v, v)",
    "np.einsum('ij,jk->ik', a, b)",
    "np.einsum('ij,jk', a, b)",
    "np.einsum('bij,jk->bik', x, b)",
    "np.einsum('bij->bji', x)",
    "np.einsum('ij->', a)",
    "np.einsum('...j,j->...', x, v)",
    "np.einsum('i,i', v, v)",
    "np.einsum('bij,bkj->bik', x, x)",
    "np.einsum('ij,jk,kl->il', a, b, b.T)",
    "np.einsum('i,j->ij', v, v)",
]


@pytest.mark.parametrize("expression", PRODUCTS)
def test_products(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, **given(expression, **ARRAYS))
