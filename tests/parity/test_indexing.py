"""Sorting and indexing against real MXNet.

Where numbers are equal, MXNet's order follows C++'s std::sort, which is stable for up to 16 numbers and free beyond;
the neutral operators always keep the order of positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-3, 3, shape).astype(dtype)


def ties(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.RandomState(0).randint(0, 3, shape).astype(dtype)


SORTS: list[dict[str, Any]] = [{}, {"axis": 0}, {"is_ascend": False}, {"axis": None}, {"axis": -2, "is_ascend": False}]


@pytest.mark.parametrize("operator", ["sort", "argsort"])
@pytest.mark.parametrize("attributes", SORTS, ids=str)
def test_sort(check_operator: Any, operator: str, attributes: dict[str, Any]) -> None:
    check_operator(operator, [data(5, 40)], exact=True, **attributes)
    check_operator(operator, [data(3, 5, dtype="int32")], exact=True, **attributes)
    check_operator(operator, [ties(3, 5)], exact=True, **attributes)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float64", "uint8"])
def test_dtype_of_positions(check_operator: Any, dtype: str) -> None:
    check_operator("argsort", [data(3, 5)], exact=True, dtype=dtype)
    check_operator("topk", [data(3, 5)], exact=True, k=2, dtype=dtype)


TOPS: list[dict[str, Any]] = [
    {},
    {"k": 3},
    {"k": 2, "axis": 0},
    {"k": 0},
    {"k": 3, "is_ascend": True},
    {"is_ascend": True},
    {"k": 4, "axis": None},
    {"k": 2, "axis": -2, "is_ascend": True},
]


@pytest.mark.parametrize("result", ["indices", "value", "both", "mask"])
@pytest.mark.parametrize("attributes", TOPS, ids=str)
def test_top_k(check_operator: Any, result: str, attributes: dict[str, Any]) -> None:
    check_operator("topk", [data(4, 30)], exact=True, ret_typ=result, **attributes)
    check_operator("topk", [ties(3, 5)], exact=True, ret_typ=result, **attributes)


@pytest.mark.parametrize("result", ["indices", "value", "both", "mask"])
@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_top_k_of_other_dtypes(check_operator: Any, result: str, dtype: str) -> None:
    check_operator("topk", [ties(3, 5, dtype=dtype)], exact=True, ret_typ=result, k=2)


def test_top_k_takes_indices_by_default(check_operator: Any) -> None:
    check_operator("topk", [data(3, 5)], exact=True)


TABLE = data(4, 3, seed=1)


@pytest.mark.parametrize("mode", ["clip", "wrap"])
@pytest.mark.parametrize("declared", [False, True])
def test_take(check_operator: Any, mode: str, declared: bool) -> None:
    index = np.array([0, 3, -1, 5, -5, 9.7, -0.5], np.float32)
    matrix = np.array([[0, 1], [2, 2]], np.int32)
    check_operator("take", [TABLE, index], declared=declared, exact=True, mode=mode)
    check_operator("take", [TABLE, matrix], declared=declared, exact=True, mode=mode, axis=1)
    check_operator("take", [TABLE, matrix], declared=declared, exact=True, mode=mode, axis=-1)


def test_take_clamps_by_default(check_operator: Any) -> None:
    check_operator("take", [TABLE, np.array([7, -7], np.int64)], exact=True)
    check_operator("take", [TABLE.astype("float16"), np.array([7, 1], np.float16)], exact=True)


def test_take_can_insist_on_the_range(check_operator: Any) -> None:
    module = check_operator("take", [TABLE, np.array([3, 0], np.int32)], exact=True, mode="raise")
    import torch

    with pytest.raises((IndexError, RuntimeError)):
        module(torch.from_numpy(TABLE), torch.tensor([4, 0]))


def test_batch_take(check_operator: Any) -> None:
    check_operator("batch_take", [TABLE, np.array([0, 1, -2, 9], np.int32)], exact=True)


@pytest.mark.parametrize("index", [[[0, 1], [2, 0]], [[0, 1]], [[0, -1], [2, -3]], [[0.7, 1.2], [2, 0]]], ids=str)
def test_gather_nd(check_operator: Any, index: list[list[float]]) -> None:
    check_operator("gather_nd", [TABLE, np.array(index, np.float32)], exact=True)


def test_gather_nd_of_more_axes(check_operator: Any) -> None:
    index = np.array([[[0, 1], [1, 1]], [[0, 1], [2, 2]]], np.int32)
    check_operator("gather_nd", [data(2, 3, 4), index], exact=True)


@pytest.mark.parametrize(
    ("values", "index", "shape"),
    [
        (data(3), [[0, 1, 3]], (4,)),
        (data(3), [[0, 1, 1], [0, 1, 1]], (2, 2)),
        (data(2, 3), [[0, 2]], (4, 3)),
        (data(2, dtype="int32"), [[0, 1]], (4,)),
    ],
    ids=["vector", "repeated", "rows", "integers"],
)
def test_scatter_nd(check_operator: Any, values: np.ndarray, index: list[list[int]], shape: tuple[int, ...]) -> None:
    check_operator("scatter_nd", [values, np.array(index, np.float32)], exact=True, shape=shape)


@pytest.mark.parametrize("index", [np.array([0, 2]), np.array([1, 1], np.int32), np.array([3, 0], np.float32)], ids=str)
def test_index_copy(check_operator: Any, index: np.ndarray) -> None:
    check_operator("_contrib_index_copy", [TABLE, index, data(2, 3)], exact=True)


ONE_HOTS: list[tuple[list[Any], dict[str, Any]]] = [
    ([0, 2, 3, -1], {"depth": 3}),
    ([[0.6], [1.9]], {"depth": 2}),
    ([0.6, -0.5, -1.0], {"depth": 2}),
    ([0, 2], {"depth": 3, "on_value": 5, "off_value": -1, "dtype": "int32"}),
    ([0], {"depth": 2, "dtype": "float16", "on_value": 0.1}),
    ([1], {"depth": 2, "on_value": 2.7, "dtype": "int8"}),
]


@pytest.mark.parametrize(("index", "attributes"), ONE_HOTS, ids=str)
def test_one_hot(check_operator: Any, index: list[Any], attributes: dict[str, Any]) -> None:
    check_operator("one_hot", [np.array(index, np.float32)], exact=True, **attributes)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_positions_in_row_major_order(check_operator: Any, dtype: str) -> None:
    check_operator("_ravel_multi_index", [np.array([[0, 1], [2, 1]], dtype)], exact=True, shape=(3, 4))
    check_operator("_ravel_multi_index", [np.array([[0, 9], [2, 1]], dtype)], exact=True, shape=(-1, 4))
    check_operator("_unravel_index", [np.array([5, 11, 99], dtype)], exact=True, shape=(3, 4))
    check_operator("_unravel_index", [np.array([-5, -1, 0], dtype)], exact=True, shape=(3, 4))
    check_operator("_unravel_index", [np.array([[5], [23]], dtype)], exact=True, shape=(2, 3, 4))
