"""Shapes, arrangement, creation and indexing in NumPy mode against MXNet 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.lines import given

X = np.arange(24, dtype="float32").reshape(2, 3, 4)
A = np.arange(12, dtype="float32").reshape(3, 4)
V = np.arange(5, dtype="float32")
S = np.array(2.5, "float32")
O = np.arange(6, dtype="float32").reshape(1, 6, 1)  # noqa: E741
M = np.array([True, False, True])
K = np.array([2, 0, 1, 1], "int32")
ARRAYS = {"x": X, "a": A, "v": V, "s": S, "o": O, "m": M, "k": K}

SHAPES = [
    "x.reshape(-1)", "x.reshape(6, 4)", "x.reshape((4, -1))", "np.reshape(x, (2, -1, 2))", "s.reshape(1, 1)",
    "v[:1].reshape(())", "np.ravel(x)", "x.flatten()", "x.T", "x.transpose(1, 0, 2)", "np.transpose(x, (2, 0, 1))",
    "a.T", "v.T", "np.swapaxes(x, 0, 2)", "np.moveaxis(x, 0, -1)", "np.moveaxis(x, (0, 1), (-1, 0))",
    "np.expand_dims(x, 0)", "np.expand_dims(x, -1)", "np.squeeze(o)", "np.squeeze(o, 0)",
    "np.squeeze(o, axis=(0, 2))", "np.rot90(a)", "np.rot90(x, 3, axes=(1, 2))", "np.rot90(a, 2)", "np.flip(x, 0)",
    "np.flip(x, (0, 2))", "np.flip(x)", "np.fliplr(a)", "np.flipud(a)", "np.broadcast_to(a, (2, 3, 4))",
    "np.broadcast_to(v, (3, 5))", "np.broadcast_to(s, (2,))", "np.atleast_1d(s)", "np.atleast_2d(v)",
    "np.atleast_3d(a)", "np.atleast_3d(v)", "np.atleast_2d(a)", "np.roll(x, 2)", "np.roll(x, 1, axis=1)",
    "np.roll(x, (1, -2), axis=(0, 2))", "np.tril(a)", "np.tril(a, 1)", "np.tril(x, -1)", "np.diag(v)",
    "np.diag(a, 1)", "np.diagflat(a)", "np.diagonal(x)", "np.diagonal(x, 1, 1, 2)", "np.trace(a)",
    "np.trace(x, 1, 0, 2)", "np.trace(k.reshape(2, 2))",
]  # fmt: skip

RESHAPES = [
    "(-2, -1)", "(-1,)", "(-2, -2, -1)", "(-4,)", "(-2, -4)", "(-5, -4)", "(-2, -5)", "(-6, 1, 2, -4)",
    "(-2, -2, -6, 2, -1)", "(-6, -1, 2, -5)", "(-5, -1)", "(3, -1, 4)", "(-1, -4)", "(-2, -6, 3, 1, -4)", "(-1, 2)",
    "(-2, 1, -1)",
]  # fmt: skip


@pytest.mark.parametrize("expression", SHAPES)
def test_shapes(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, exact=True, **given(expression, **ARRAYS))


@pytest.mark.parametrize(
    "expression",
    [
        "x.copy()", "np.rollaxis(x, 2)", "np.rollaxis(x, 0, 3)", "np.rollaxis(x, 1, 2)", "np.triu(a)",
        "np.triu(x, -1)", "np.cross(a[:, :3], a[:, 1:])", "np.kron(a, v)",
    ],
)  # fmt: skip
def test_shapes_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, exact=True, **given(expression, **ARRAYS))


@pytest.mark.parametrize("codes", RESHAPES)
def test_reshape_by_codes(check_numpy: Any, codes: str) -> None:
    check_numpy(f"npx.reshape(x, {codes})", exact=True, x=X)


@pytest.mark.parametrize("codes", ["(-3, -4)", "(-3, -2, -3)", "(-3, -6, 2, 3, -4)", "(-2, -1)"])
def test_reshape_that_drops_axes(check_numpy: Any, codes: str) -> None:
    check_numpy(f"npx.reshape(o, {codes})", exact=True, o=O)


@pytest.mark.parametrize("codes", ["(-1, -2)", "(2, -5)", "(-5, -2)", "(-4, 3, -1)", "(-4, -5)"])
def test_reshape_by_codes_from_the_end(check_numpy: Any, codes: str) -> None:
    check_numpy(f"npx.reshape(x, {codes}, reverse=True)", exact=True, x=X)


JOINS = [
    "np.concatenate([a, a + 1])", "np.concatenate([a, a], axis=1)", "np.concatenate([x, x], axis=-1)",
    "np.stack([a, a + 1])", "np.stack([a, a], axis=1)", "np.stack([v, v], axis=-1)", "np.vstack([a, a])",
    "np.vstack([v, v])", "np.hstack([a, a])", "np.hstack([v, v])", "np.dstack([a, a])", "np.column_stack([v, v])",
    "np.column_stack([a, a])", "np.split(x, 2, axis=2)", "np.split(x, [1, 3], axis=-1)[1]", "np.split(a, 3)[0]",
    "np.array_split(v, 2)", "np.hsplit(a, 2)", "np.hsplit(a, [1, 3])", "np.vsplit(a, 3)[1]", "np.dsplit(x, 2)",
    "np.tile(a, 2)", "np.tile(a, (2, 1, 3))", "np.repeat(a, 2)", "np.repeat(a, 2, axis=1)", "np.append(a, a)",
    "np.append(a, a, axis=0)", "np.pad(a, ((1, 2), (0, 1)))", "np.pad(a, ((1, 0), (2, 1)), constant_values=1.5)",
    "np.diff(a)", "np.diff(x, n=2, axis=1)",
]  # fmt: skip


@pytest.mark.parametrize("expression", JOINS)
def test_arrangement(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, exact=True, **given(expression, **ARRAYS))


@pytest.mark.parametrize(
    "expression",
    [
        "np.delete(a, 1, axis=0)", "np.delete(v, -1)", "np.delete(a, slice(1, 3), axis=1)",
        "np.delete(a, slice(2, None), axis=0)", "np.hsplit(v, [1, 3])",
    ],
)  # fmt: skip
def test_deletion(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, exact=True, **given(expression, **ARRAYS))


@pytest.mark.parametrize("mode", ["edge", "reflect"])
def test_padding_of_images(check_numpy: Any, mode: str) -> None:
    x = np.arange(36, dtype="float32").reshape(1, 2, 3, 6)
    check_numpy(f"np.pad(x, ((0, 0), (0, 0), (1, 2), (2, 0)), mode={mode!r})", exact=True, x=x)


CREATION = [
    "np.zeros((2, 3))", "np.ones((2,), dtype='int32')", "np.zeros(())", "np.full((2, 2), 1.5)", "np.full((2,), 3)",
    "np.full((2,), 3, dtype='float16')", "np.eye(3)", "np.eye(2, 3, k=1)", "np.identity(3)", "np.arange(5)",
    "np.arange(1, 7, 2, dtype='int64')", "np.arange(0, 1, 0.25)", "np.linspace(0, 1, 5)",
    "np.linspace(0, 2, 4, endpoint=False)", "np.linspace(-1.5, 2.5, 7)", "np.logspace(0, 2, 3)", "np.hanning(6)",
    "np.hamming(6)", "np.blackman(6)", "np.indices((2, 3), dtype='int32')", "np.zeros_like(a)",
    "np.ones_like(a, dtype='int32')", "np.full_like(a, 2.5)", "np.full_like(k, 2)", "np.ones((2,), dtype='bool')",
    "npx.arange_like(a, axis=1)", "npx.arange_like(a)", "npx.one_hot(k, 3)", "npx.shape_array(x)",
]  # fmt: skip


@pytest.mark.parametrize("expression", CREATION)
def test_creation(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, **given(expression, **ARRAYS))


@pytest.mark.parametrize("expression", ["np.tri(3)", "np.tri(2, 4, k=1)", "np.meshgrid(np.arange(2), np.arange(3))"])
def test_creation_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression)


INDEXING = [
    "x[0]", "x[:, 1]", "x[0, 1:, ::2]", "x[:, ::-1]", "x[1, 2, 3]", "x[:, 0:1]", "v[2:]",
    "np.take(a, k, axis=1)", "np.take(a, k, axis=0, mode='clip')", "np.take(a, k, mode='wrap')",
    "npx.pick(a, k[:3])", "npx.gather_nd(a, k.reshape(2, 2))", "npx.topk(a, k=2, ret_typ='value')",
    "npx.topk(a, k=2)", "np.sort(a)", "np.sort(-a, axis=0)", "np.argsort(-a)", "np.argmax(a)", "np.argmax(x, axis=1)",
    "np.argmin(-x, axis=-1)", "np.argmin(a)",
    "npx.slice(a, begin=(0, 1), end=(2, 3))", "npx.reshape_like(v[:4].reshape(2, 2), v[:4])",
    "npx.sequence_mask(x, k[:3], use_sequence_length=True, value=-1)", "npx.batch_flatten(x)",
    "npx.batch_dot(x, x, transpose_b=True)",
]  # fmt: skip


@pytest.mark.parametrize("expression", INDEXING)
def test_indexing(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, exact=True, **given(expression, **ARRAYS))


INDEXING_OF_2 = ["x[-1]", "a[m]", "np.unravel_index(k, (2, 3))", "npx.nonzero(a)",
                 "np.argmin(-x, axis=-1, keepdims=True)", "a[a > 3]",
                 "np.nonzero(a)"]  # fmt: skip


@pytest.mark.parametrize("expression", INDEXING_OF_2)
def test_indexing_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, exact=True, **given(expression, **ARRAYS))


def test_table_of_vectors(check_numpy: Any) -> None:
    check_numpy("npx.embedding(k, w, input_dim=3, output_dim=4)", k=K, w=A, stored=["w"], exact=True)


@pytest.mark.parametrize("expression", ["npx.index_add(a, i, b)", "npx.index_update(a, i, b)"])
def test_index_add(check_numpy2: Any, expression: str) -> None:
    i, b = np.array([[0, 2, 0], [1, 3, 1]], "int32"), np.array([0.5, 1.5, 2.5], "float32")
    if "update" in expression:
        i = np.array([[0, 2, 1], [1, 3, 1]], "int32")
    check_numpy2(expression, a=A, i=i, b=b)
