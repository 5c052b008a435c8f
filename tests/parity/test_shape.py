"""Shapes and the order of axes against real MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-3, 3, shape).astype(dtype)


RESHAPES = [
    ((2, 3, 4), {"shape": (4, 6)}),
    ((2, 3, 4), {"shape": (-1,)}),
    ((2, 3, 4), {"shape": (0, -1)}),
    ((2, 3, 4), {"shape": (0, 0, 2, 2)}),
    ((2, 3, 4), {"shape": (0, -1, 2)}),
    ((2, 3, 4), {"shape": (-1, 0)}),
    ((2, 3, 4), {"shape": (-2,)}),
    ((2, 3, 4), {"shape": (0, -2)}),
    ((2, 3, 4), {"shape": (-2, 1)}),
    ((2, 3, 4), {"shape": (-2, 1, 1)}),
    ((6, 3, 4), {"shape": (6, -2)}),
    ((2, 8, 5), {"shape": (-1, 8, -2)}),
    ((8, 3, 5), {"shape": (-1, 4, -2)}),
    ((2, 3, 4), {"shape": (-3, -2)}),
    ((2, 3, 4), {"shape": (0, -3)}),
    ((2, 3, 4, 5), {"shape": (-3, -3)}),
    ((2, 3, 4, 5), {"shape": (2, -3, -2)}),
    ((2, 3, 4, 5, 6), {"shape": (0, -3, -1)}),
    ((2, 6, 4), {"shape": (0, -4, 2, -1, -2)}),
    ((2, 6, 4), {"shape": (0, -4, -1, 3, 0)}),
    ((6, 4), {"shape": (-4, 2, 3, 0)}),
    ((4, 6), {"shape": (-1, -4, 2, 3)}),
    ((2, 3, 1, 1), {"shape": (0, 0)}),
    ((2, 3, 4, 5), {"shape": (0, 0, 20)}),
    ((8, 3, 5), {"shape": (-1, 0), "reverse": True}),
    ((8, 3, 5), {"shape": (4, -1, 0), "reverse": True}),
    ((8, 3, 5), {"shape": (-1, 2, 0, 0), "reverse": True}),
    ((2, 3, 4, 5), {"shape": (-1, 0, 0), "reverse": True}),
    ((2, 3, 4), {"shape": (-3, 0), "reverse": True}),
    ((2, 3, 4), {"shape": (-2, 0), "reverse": True}),
    ((2, 3, 4), {"shape": (1, -2), "reverse": True}),
    ((5, 6), {"shape": (-2, 2, 3, -4), "reverse": True}),
    ((2, 3, 4), {"shape": (6, 4), "reverse": True}),
    ((2, 3, 4), {"target_shape": (0, 12)}),
    ((2, 3, 4), {"target_shape": (2, 12)}),
    ((2, 3, 4), {"target_shape": (5, 0), "keep_highest": True}),
]


@pytest.mark.parametrize(("shape", "attributes"), RESHAPES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_reshape(check_operator: Any, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool) -> None:
    check_operator("Reshape", [data(*shape)], declared=declared, exact=True, **attributes)


@pytest.mark.parametrize("shape", [(5,), (5, 3), (2, 3, 4)], ids=str)
def test_flatten(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("Flatten", [data(*shape)], declared=True, exact=True)
    check_operator("Flatten", [data(*shape)], exact=True)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 1, 1)], ids=str)
def test_one_feature_of_samples(check_expression: Any, shape: tuple[int, ...]) -> None:
    """The symbol does not declare the rank."""
    arrays = {"x": data(*shape), "w": data(3, 1)}
    check_expression("sym.FullyConnected(x, w, no_bias=True, num_hidden=3)", stored=["w"], **arrays)
    check_expression("sym.FullyConnected(x, w, no_bias=True, num_hidden=3)", **arrays)
    check_expression("sym.FullyConnected(sym.Flatten(x), w, no_bias=True, num_hidden=3)", stored=["w"], **arrays)


@pytest.mark.parametrize("between", ["{}", "sym.Dropout({})", "sym.Flatten({})", "sym.relu(sym.Flatten({}))"])
def test_several_features_of_samples(check_expression: Any, between: str) -> None:
    flat = f"sym.FullyConnected({between.format('sym.Flatten(x)')}, w, no_bias=True, num_hidden=3)"
    check_expression(flat, stored=["w"], x=data(2, 3, 4), w=data(3, 12))


OTHERS = [
    ("Flatten", (2, 3), {}),
    ("Flatten", (2, 3, 4, 5), {}),
    ("transpose", (2, 3), {}),
    ("transpose", (2, 3, 4, 5), {}),
    ("transpose", (2, 3, 4), {"axes": ()}),
    ("transpose", (2, 3, 4), {"axes": (0, 2, 1)}),
    ("transpose", (2, 3, 4, 5), {"axes": (0, 2, 3, 1)}),
    ("transpose", (2, 3, 4), {"axes": (0, 1, 2)}),
    ("transpose", (3,), {"axes": (0,)}),
    ("SwapAxis", (2, 3, 4), {}),
    ("SwapAxis", (2, 3, 4), {"dim1": 0, "dim2": 2}),
    ("SwapAxis", (2, 3, 4), {"dim1": -1, "dim2": 1}),
    ("expand_dims", (2, 3), {"axis": 0}),
    ("expand_dims", (2, 3), {"axis": -1}),
    ("expand_dims", (2, 3), {"axis": -3}),
    ("expand_dims", (2, 3), {"axis": 2}),
    ("squeeze", (1, 2, 1), {}),
    ("squeeze", (1, 1), {}),
    ("squeeze", (1, 2, 1), {"axis": 0}),
    ("squeeze", (1, 2, 1), {"axis": (0, -1)}),
    ("squeeze", (1, 1), {"axis": (0, 1)}),
    ("squeeze", (1,), {"axis": 0}),
    ("squeeze", (1, 1), {"axis": ()}),
    ("depth_to_space", (2, 12, 2, 3), {"block_size": 2}),
    ("depth_to_space", (1, 18, 2, 1), {"block_size": 3}),
    ("space_to_depth", (2, 3, 4, 6), {"block_size": 2}),
    ("shape_array", (2, 3, 4), {}),
    ("size_array", (2, 3, 4), {}),
]


@pytest.mark.parametrize(("operator", "shape", "attributes"), OTHERS, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_axes(
    check_operator: Any, operator: str, shape: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator(operator, [data(*shape)], declared=declared, exact=True, **attributes)


LIKES = [
    ((2, 3, 4), (6, 4), {}),
    ((30, 7), (15, 2, 4), {"lhs_begin": 0, "lhs_end": 1, "rhs_begin": 0, "rhs_end": 2}),
    ((30, 12), (4, 2, 2, 3), {"lhs_begin": -1, "rhs_begin": 1}),
    ((2, 3, 4), (6, 9), {"lhs_begin": 0, "lhs_end": 2, "rhs_begin": 0, "rhs_end": 1}),
    ((2, 3, 4), (12, 2), {"lhs_begin": 1, "rhs_begin": 0, "rhs_end": 1}),
    ((2, 3, 4), (6, 5), {"lhs_end": -1, "rhs_end": -1}),
]


@pytest.mark.parametrize(("shape", "like", "attributes"), LIKES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_reshape_like(
    check_operator: Any, shape: tuple[int, ...], like: tuple[int, ...], attributes: dict[str, Any], declared: bool
) -> None:
    check_operator("reshape_like", [data(*shape), data(*like)], declared=declared, exact=True, **attributes)


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_other_dtypes(check_operator: Any, dtype: str) -> None:
    x = data(2, 3, 4, dtype=dtype)
    check_operator("Reshape", [x], exact=True, shape=(0, -1))
    check_operator("transpose", [x], exact=True)
    check_operator("shape_array", [x], exact=True)
