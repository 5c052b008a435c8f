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


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "maximum", "minimum"])
@pytest.mark.parametrize("widths", [((1, 2), (2, 1)), ((0, 0), (3, 0)), ((4, 0), (0, 5))], ids=str)
def test_padding_by_mode(check_numpy: Any, mode: str, widths: Any) -> None:
    if mode == "reflect" and widths[0] == (4, 0):
        widths = ((2, 0), (0, 3))
    check_numpy(f"np.pad(a, {widths}, mode={mode!r})", exact=True, a=A)


def test_the_type_of_reflection(check_node1: Any) -> None:
    """MXNet has one, whatever it is asked for."""
    for mode in ("reflect", "symmetric"):
        widths = {"pad_width": "((1, 2), (2, 1))", "reflect_type": "odd"}
        check_node1("_npi_pad", [A], exact=True, mode=mode, **widths)


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


VALUES = {
    "p": np.array([2, -1, 0], "int64"), "i": np.array([1], "int64"), "b": np.array([7, 8], "float32"),
    "c": np.array([7, 8, 9], "float32"), "d": np.array([6, 7, 8, 9], "float32"), "h": np.array([5], "float32"),
    "g": np.array([[1, 2, 3, 4], [5, 6, 7, 8]], "float32"),
}  # fmt: skip
INSERTIONS = [
    "np.insert(x, 1, d, axis=1)", "np.insert(a, 1, c, axis=-1)", "np.insert(a, -1, g, axis=0)", "np.insert(v, 2, c)",
    "np.insert(a, slice(0, 3), d, axis=0)", "np.insert(a, slice(None, None, -2), b, axis=1)",
    "np.insert(a, slice(1, 2), g, axis=0)", "np.insert(x, slice(0, 2), h, axis=2)", "np.insert(v, slice(3, 1, 1), h)",
    "np.insert(a, p, c, axis=1)", "np.insert(a, i, g, axis=0)", "np.insert(v, p, c)", "np.insert(x, p, h, axis=-1)",
    "np.insert(v, 2, 1.5)", "np.insert(k, 0, 7)", "np.insert(a, 1, k, axis=0)",
]  # fmt: skip


@pytest.mark.parametrize("expression", INSERTIONS)
def test_insertion(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, exact=True, **given(expression, **VALUES, **ARRAYS))


@pytest.mark.parametrize(
    "expression",
    [
        "np.ediff1d(x)", "np.ediff1d(a, to_begin=v, to_end=-1)", "np.ediff1d(a, to_begin=-9, to_end=v)",
        "np.ediff1d(a, to_begin=a, to_end=v)", "np.ediff1d(k, to_begin=2, to_end=3)", "np.polyval(v, x)",
        "np.polyval(v, s)",
    ],
)  # fmt: skip
def test_differences_and_polynomials(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, **given(expression, **ARRAYS))


def test_diagonal_indices(check_numpy: Any) -> None:
    check_numpy("np.diag_indices_from(q)", exact=True, q=A[:, :3])


def test_indexing_by_a_tuple(check_numpy2: Any) -> None:
    check_numpy2("x[i, j]", exact=True, x=X, i=np.array([1, 0, 1], "int32"), j=np.array([2, -1, 0], "int32"))


MASKS = {"all": X > 5, "first": X[:, :, 0] > 3, "middle": np.array([True, False, True]), "none": X > 99}


@pytest.mark.parametrize("mask, axis", [("all", 0), ("first", 0), ("middle", 1), ("none", 0)])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_number_by_mask(check_numpy1: Any, mask: str, axis: int, dtype: str) -> None:
    """MXNet assigns in place, which its executor does to computed arrays alone; that of 2.0 does not."""
    line = f"npi.boolean_mask_assign_scalar(x * 1, m, value=2.5, start_axis={axis})"
    check_numpy1(line, exact=True, x=X.astype(dtype), m=MASKS[mask])


@pytest.mark.parametrize(
    "mask, axis, shape",
    [
        *(("all", 0, (18,)), ("all", 0, (1,)), ("first", 0, (5, 4)), ("first", 0, (1, 4)), ("first", 0, (4,))),
        *(("middle", 1, (2, 2, 4)), ("middle", 1, (2, 1, 4)), ("middle", 1, (2, 4)), ("none", 0, (1,))),
    ],
)
def test_tensor_by_mask(check_numpy1: Any, mask: str, axis: int, shape: tuple[int, ...]) -> None:
    value = 100 + np.arange(np.prod(shape), dtype="float32").reshape(shape)
    line = f"npi.boolean_mask_assign_tensor(x * 1, m, y, start_axis={axis})"
    check_numpy1(line, exact=True, x=X, m=MASKS[mask], y=value)


@pytest.mark.parametrize("index", [np.array([1, 0, 1], "int64"), np.array([True, False])])
def test_indexing_by_a_tensor(check_node2: Any, index: np.ndarray) -> None:
    check_node2("_npi_advanced_indexing", [X, index], exact=True)


def test_insertion_of_a_number(check_node1: Any) -> None:
    """MXNet takes numbers for vectors alone, and not for slices of one position."""
    check_node1("_npi_insert_scalar", [V], exact=True, val=5, int_ind=-1, axis=0)
    check_node1("_npi_insert_scalar", [A], exact=True, val=2.5, int_ind=3)
    check_node1("_npi_insert_tensor", [V, np.array(2, "int64")], exact=True, val=2.5)
