"""Functions of one number against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

ANY = [
    *("abs", "negative", "sign", "square", "exp", "expm1", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh"),
    *("arcsinh", "degrees", "radians", "floor", "ceil", "trunc", "fix", "round", "rint", "erf", "sigmoid", "relu"),
    *("softsign", "logical_not", "cbrt", "smooth_l1", "_contrib_round_ste", "_contrib_sign_ste"),
]
FLOATS_ONLY = ["hard_sigmoid", "_contrib_div_sqrt_dim"]
POSITIVE = ["sqrt", "rsqrt", "log", "log10", "log2", "log1p", "gammaln", "gamma", "rcbrt", "reciprocal"]
INSIDE_ONE = ["arcsin", "arccos", "arctanh", "erfinv"]
IDENTITIES = ["_copy", "BlockGrad", "make_loss", "MakeLoss", "_contrib_gradientmultiplier"]


def domain(name: str, dtype: str) -> np.ndarray:
    if name in POSITIVE:
        values = np.array([[0.0625, 0.25, 0.5, 0.75, 1], [1.5, 2, 3, 4.75, 7]])
    elif name in INSIDE_ONE:
        values = np.array([[-0.9375, -0.5, -0.25, -0.0625, 0], [0.125, 0.25, 0.5, 0.75, 0.96875]])
    elif name == "arccosh":
        values = np.array([[1, 1.125, 1.5], [2, 3.75, 20]])
    else:
        values = np.array([[-3.75, -2.5, -1.5, -1, -0.5, -0.25, 0], [0.25, 0.5, 1, 1.5, 2.5, 3.5, 4.75]])
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", [*ANY, *FLOATS_ONLY, *POSITIVE, *INSIDE_ONE, "arccosh", *IDENTITIES])
def test_function(check_operator: Any, name: str, dtype: str) -> None:
    check_operator(name, [domain(name, dtype)])


@pytest.mark.parametrize("name", [*ANY, "hard_sigmoid", *POSITIVE, *INSIDE_ONE, "arccosh", *IDENTITIES])
def test_what_is_no_number(check_operator: Any, name: str) -> None:
    """Beyond the domain, at the poles and at infinity."""
    values = [np.nan, np.inf, -np.inf, 0, -0.5, -1, -2, -3.5, 1, 1.5, -1.5]
    if name in ("sin", "cos", "tan"):
        values = [np.nan, 0, -0.5]
    check_operator(name, [np.array(values, "float32")])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("name", [*ANY, *POSITIVE, "_copy", "BlockGrad"])
def test_integers_stay_integers(check_operator: Any, name: str, dtype: str) -> None:
    values = [1, 2, 3, 5] if name in ("exp", "expm1", "sinh", "cosh", "gamma", "degrees", "tanh") else [1, 2, 3, 8, 11]
    if dtype == "uint8" and name == "degrees":
        values = [1, 2, 4]
    check_operator(name, [np.array(values, dtype)])


def test_rounding_is_exact_where_halves_are_near(check_operator: Any) -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    x = np.array([0.5, below, -below, -0.5, 8388607.5, 8388609, -8388609, 4194304.5, 1.5, 2.5, -2.5], "float32")
    for name in ("round", "rint", "fix", "floor", "ceil"):
        check_operator(name, [x], exact=True)


def test_gamma_over_its_range(check_operator: Any) -> None:
    check_operator("gamma", [np.array([20, 30, 34.5, -10.5, -20.25, -33.75], "float32")])
    check_operator("gamma", [np.array([-1.5, -2.5, -3.25, 0.5], "float32")])
    check_operator("gammaln", [np.array([1e-3, 50, 1e5, -1.5, -2.5], "float32")])


def test_error_function_near_its_ends(check_operator: Any) -> None:
    check_operator("erfinv", [np.array([-1, 1, 1.5, 0.9999, -0.9999, 1e-6], "float32")])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("scalar", [1.0, 3.0, 0.5])
def test_smooth_l1(check_operator: Any, scalar: float, dtype: str) -> None:
    x = np.array([[-2, -1, -0.5, -0.125, 0], [0.0625, 0.25, 1, 2, 5]], dtype)
    check_operator("smooth_l1", [x], scalar=scalar)


@pytest.mark.parametrize("attributes", [{}, {"alpha": 1 / 6}, {"alpha": 0.5, "beta": 0.25}])
def test_hard_sigmoid(check_operator: Any, attributes: dict[str, float]) -> None:
    check_operator("hard_sigmoid", [np.linspace(-4, 4, 15, dtype="float32")], **attributes)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5), (7,)])
def test_division_by_the_root_of_the_size(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("_contrib_div_sqrt_dim", [np.random.RandomState(0).randn(*shape).astype("float32")])


def test_losses_pass_their_input(check_operator: Any) -> None:
    x = np.random.RandomState(0).randn(3, 4).astype("float32")
    check_operator("MakeLoss", [x], grad_scale=2.0, valid_thresh=0.5, normalization="valid")
    check_operator("_contrib_gradientmultiplier", [x], scalar=0.5)
    check_operator("_identity_with_attr_like_rhs", [x, x + 1])
