"""Reductions against real MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

KINDS = ["sum", "mean", "prod", "nansum", "nanprod", "max", "min"]

AXES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4), {}),
    ((2, 3, 4), {"axis": ()}),
    ((2, 3, 4), {"keepdims": True}),
    ((2, 3, 4), {"axis": 1}),
    ((2, 3, 4), {"axis": -1, "keepdims": True}),
    ((2, 3, 4), {"axis": (0, 2)}),
    ((2, 3, 4), {"axis": (-1, 0), "keepdims": True}),
    ((2, 3, 4), {"axis": (0, 1, 2)}),
    ((2, 3, 4), {"axis": 1, "exclude": True}),
    ((2, 3, 4), {"axis": (-1, 0), "exclude": True, "keepdims": True}),
    ((2, 3, 4), {"exclude": True}),
    ((5,), {"axis": 0}),
    ((5,), {"axis": -1, "keepdims": True}),
    ((2, 1, 3, 2, 2), {"axis": (2, 3)}),
]


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-2, 2, shape).astype(dtype)


@pytest.mark.parametrize("operator", KINDS)
@pytest.mark.parametrize(("shape", "attributes"), AXES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_reduction(
    check_operator: Any, operator: str, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator(operator, [data(*shape)], declared=declared, **attributes)


@pytest.mark.parametrize("operator", KINDS)
def test_nan(check_operator: Any, operator: str) -> None:
    x = np.array([[np.nan, 1, np.inf], [3, np.nan, np.nan], [2, 1, 4]], np.float32)
    check_operator(operator, [x], axis=1)


@pytest.mark.parametrize("operator", [*KINDS, "norm", "argmax", "argmin", "cumsum"])
def test_float16(check_operator: Any, operator: str) -> None:
    check_operator(operator, [data(3, 4, dtype="float16")], axis=1)


@pytest.mark.parametrize("operator", ["prod", "nanprod"])
def test_product_of_many_float16(check_operator: Any, operator: str) -> None:
    """Products of every other factor overflow in float16."""
    check_operator(operator, [np.float16([3, *60 * [4, 0.25], *200 * [1]])], exact=True)


@pytest.mark.parametrize("operator", [*KINDS, "argmax", "argmin", "cumsum"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_integers_stay_what_they_are(check_operator: Any, operator: str, dtype: str) -> None:
    x = np.random.RandomState(3).randint(-5, 5, (3, 4)).astype(dtype)
    check_operator(operator, [x], exact=True, axis=1)
    check_operator(operator, [x], exact=True)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("shape", "attributes"), [c for c in AXES if "exclude" not in c[1]], ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_norm(
    check_operator: Any, order: int, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator("norm", [data(*shape)], declared=declared, ord=order, **attributes)


def test_norm_by_default_is_euclidean(check_operator: Any) -> None:
    check_operator("norm", [data(2, 3)])


POSITIONS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4), {}),
    ((2, 3, 4), {"keepdims": True}),
    ((2, 3, 4), {"axis": 1}),
    ((2, 3, 4), {"axis": -2, "keepdims": True}),
    ((5,), {"axis": 0}),
]


@pytest.mark.parametrize("operator", ["argmax", "argmin"])
@pytest.mark.parametrize(("shape", "attributes"), POSITIONS, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_positions(
    check_operator: Any, operator: str, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator(operator, [data(*shape)], declared=declared, exact=True, **attributes)


@pytest.mark.parametrize("operator", ["argmax", "argmin"])
def test_the_first_of_equal_numbers_counts(check_operator: Any, operator: str) -> None:
    x = np.random.RandomState(0).randint(0, 3, (20, 50)).astype("float32")
    check_operator(operator, [x], exact=True, axis=1)
    check_operator(operator, [x], exact=True)


def test_argmax_channel(check_operator: Any) -> None:
    check_operator("argmax_channel", [data(2, 3)], exact=True)
    check_operator("argmax_channel", [data(2, 3, 4)], exact=True)


@pytest.mark.parametrize("attributes", [{"axes": (1,)}, {"axes": (0, 1)}, {"axes": (0,), "keepdims": True}], ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_moments(check_operator: Any, attributes: dict[str, Any], declared: bool) -> None:
    check_operator("moments", [data(3, 4)], declared=declared, **attributes)


@pytest.mark.parametrize(
    ("dtype", "attributes"),
    [
        ("float32", {}),
        ("float32", {"axis": 0}),
        ("int32", {"axis": 1, "dtype": "float32"}),
        ("float32", {"axis": 1, "dtype": "int32"}),
        ("float32", {"axis": 1, "dtype": "float64"}),
    ],
    ids=str,
)
def test_cumulative_sum(check_operator: Any, dtype: str, attributes: dict[str, Any]) -> None:
    check_operator("cumsum", [data(3, 4, dtype=dtype)], **attributes)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)], ids=str)
def test_moments_of_integers(check_operator: Any, dtype: str, axes: tuple[int, ...]) -> None:
    """They overflow in the dtype of the input."""
    x = np.random.RandomState(4).randint(0, 120, (5, 6)).astype(dtype)
    check_operator("moments", [x], exact=True, axes=axes)
    check_operator("moments", [-x], exact=True, axes=axes, keepdims=True)


def test_mean_of_bools(check_operator: Any) -> None:
    x = np.array([[True, False, False], [False, False, False]])
    check_operator("mean", [x], exact=True)
    check_operator("mean", [x], exact=True, axis=1, keepdims=True)
    check_operator("mean", [x], exact=True, axis=0, exclude=True)


@pytest.mark.parametrize("operator", ["sum", "mean", "max", "nansum", "prod", "nanprod"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_the_axis_of_a_vector_excluded(check_operator: Any, operator: str, axis: int, keepdims: bool) -> None:
    """Losses of samples, whose rank the symbol does not declare."""
    for shape in ((5,), (5, 3)):
        check_operator(operator, [data(*shape)], axis=axis, exclude=True, keepdims=keepdims)


@pytest.mark.parametrize("operator", ["sum", "mean", "max", "nansum", "prod", "nanprod"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("declared", [False, True])
def test_all_axes_excluded(check_operator: Any, operator: str, keepdims: bool, declared: bool) -> None:
    x = data(3, 4)
    if operator.startswith("nan"):
        x[1, 2] = np.nan
    check_operator(operator, [x], declared=declared, axis=(1, 0), exclude=True, keepdims=keepdims)
    if not declared:
        check_operator(operator, [data(2, 3, 4)], axis=(-1, 0), exclude=True, keepdims=keepdims)
