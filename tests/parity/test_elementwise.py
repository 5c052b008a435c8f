"""Arithmetic, comparison and choice against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import mxnet_to_neutral

BINARY = ("add", "sub", "mul", "div", "mod", "power", "hypot", "maximum", "minimum")
COMPARISONS = ("equal", "not_equal", "greater", "greater_equal", "lesser", "lesser_equal")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
SCALARS = ("plus", "minus", "mul", "div", "mod", "power", "hypot", "maximum", "minimum", *COMPARISONS, *LOGICAL)
REVERSED = ("rminus", "rdiv", "rmod", "rpower")
INTEGERS = ("int32", "int64", "uint8")


def numbers(name: str, shape: tuple[int, ...], dtype: str = "float32", seed: int = 0) -> np.ndarray:
    """Steps of a quarter, zeros and equal pairs among them; positive where a power needs it."""
    values = np.random.RandomState(seed).randint(-8, 9, shape) / 4
    return (np.abs(values) + 0.25 if "power" in name else values).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS, *LOGICAL])
def test_broadcast(check_operator: Any, name: str, dtype: str) -> None:
    a, b = numbers(name, (2, 3, 1, 5), dtype), numbers(name, (1, 3, 4, 1), dtype, seed=1)
    if name == "div":
        b[b == 0] = 1.5
    check_operator(f"broadcast_{name}", [a, b])


def test_broadcast_of_fewer_dimensions(check_operator: Any) -> None:
    check_operator("broadcast_add", [numbers("add", (3, 4)), numbers("add", (4,))])


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_elemwise(check_operator: Any, name: str) -> None:
    check_operator(f"elemwise_{name}", [numbers(name, (3, 5)), numbers(name, (3, 5), seed=1) + 5])


@pytest.mark.parametrize("name", [*BINARY[4:], *COMPARISONS, *LOGICAL])
def test_binary_of_equal_shapes(check_operator: Any, name: str) -> None:
    check_operator(f"_{name}", [numbers(name, (3, 5)), numbers(name, (3, 5), seed=1)])


@pytest.mark.parametrize("name", ["maximum", "minimum", *COMPARISONS, *LOGICAL])
def test_not_a_number(check_operator: Any, name: str) -> None:
    a = np.array([np.nan, 1, 0, np.nan, np.inf, -np.inf], "float32")
    b = np.array([1, np.nan, np.nan, np.nan, np.inf, 2], "float32")
    check_operator(f"_{name}", [a, b])


def test_remainder_by_zero_is_zero(check_operator: Any) -> None:
    a = np.array([3, -3, 0, 5.5, -5.5, 7], "float32")
    check_operator("broadcast_mod", [a, np.array([0, 0, 0, -2, 2, -0.5], "float32")], exact=True)
    check_operator("_mod_scalar", [a], scalar=0.0, exact=True)
    check_operator("_rmod_scalar", [a], scalar=2.0, exact=True)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("scalar", [2.0, 0.75, -1.5])
@pytest.mark.parametrize("name", SCALARS)
def test_scalar(check_operator: Any, name: str, scalar: float, dtype: str) -> None:
    check_operator(f"_{name}_scalar", [numbers(name, (2, 3, 5), dtype)], scalar=scalar)


@pytest.mark.parametrize("name", SCALARS)
def test_scalar_zero_and_default(check_operator: Any, name: str) -> None:
    x = numbers(name, (2, 7))
    if name != "div":
        check_operator(f"_{name}_scalar", [x], scalar=0.0)
    check_operator(f"_{name}_scalar", [x])


@pytest.mark.parametrize("scalar", [2.0, 0.75])
@pytest.mark.parametrize("name", REVERSED)
def test_reversed_scalar(check_operator: Any, name: str, scalar: float) -> None:
    x = numbers(name, (2, 3, 5))
    x[x == 0] = 0.25
    check_operator(f"_{name}_scalar", [x], scalar=scalar)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS, *LOGICAL])
def test_integers_stay_integers(check_operator: Any, name: str, dtype: str) -> None:
    a, b = np.array([0, 1, 2, 3, 7, 12, 9], dtype), np.array([1, 1, 3, 2, 2, 1, 4], dtype)
    check_operator(f"broadcast_{name}", [a, b])


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("scalar", [2.0, 2.75])
@pytest.mark.parametrize("name", [*SCALARS, *REVERSED])
def test_scalars_lose_their_fraction_with_integers(check_operator: Any, name: str, scalar: float, dtype: str) -> None:
    check_operator(f"_{name}_scalar", [np.array([1, 2, 3, 7, 5], dtype)], scalar=scalar)


@pytest.mark.parametrize("name", ["plus", "div", "rdiv", "power", "greater", "hypot"])
def test_scalar_said_not_to_be_an_integer(check_operator: Any, name: str) -> None:
    x = np.array([1, 2, 3, 7], "int32")
    check_operator(f"_{name}_scalar", [x], scalar=2.5, is_int=False)


def test_negative_integers(check_operator: Any) -> None:
    a, b = np.array([-7, -7, 7, 7, 6], "int32"), np.array([2, -2, -2, 0, -3], "int32")
    check_operator("broadcast_mod", [a, b])
    check_operator("broadcast_div", [a, np.array([2, -2, -2, 3, 4], "int32")])
    check_operator("_div_scalar", [a], scalar=2)


def test_large_scalars(check_operator: Any) -> None:
    check_operator("_mul_scalar", [numbers("mul", (3,))], scalar=-1e18)
    check_operator("_plus_scalar", [numbers("mul", (3,))], scalar=1e30)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_add_n(check_operator: Any, count: int) -> None:
    check_operator("add_n", [numbers("add", (2, 3), seed=seed) for seed in range(count)])


@pytest.mark.parametrize("bounds", [(0, 1), (0, 6), (-0.5, 0.75), (-1.25, 3), (0.5, 0.5)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_clip(check_operator: Any, bounds: tuple[float, float], dtype: str) -> None:
    x = (numbers("clip", (3, 5)) * 4).astype(dtype)
    check_operator("clip", [x], a_min=bounds[0], a_max=bounds[1])


def test_clip_without_bounds_and_nan(check_operator: Any) -> None:
    x = np.array([np.nan, -np.inf, 3, np.inf], "float32")
    check_operator("clip", [x], a_min=0, a_max=1)
    check_operator("clip", [x], a_min=-float("inf"), a_max=1)
    check_operator("clip", [x], a_min=0, a_max=float("inf"))


def test_bounds_beyond_the_type(check_operator: Any) -> None:
    for dtype in ("float16", "float32"):
        x = np.array([np.nan, -np.inf, -2, 3, np.inf], dtype)
        check_operator("clip", [x], a_min=-1e30, a_max=1)
        check_operator("clip", [x], a_min=0, a_max=1e30)
        check_operator("_maximum_scalar", [x], scalar=-1e30)
        check_operator("_minimum_scalar", [x], scalar=1e30)
    check_operator("clip", [np.array([-5, 100], "int8")], a_min=-1e6, a_max=7)


@pytest.mark.parametrize("condition", ["float32", "int32"])
def test_where(check_operator: Any, condition: str) -> None:
    chosen = (np.arange(24).reshape(2, 3, 4) % 3 - 1).astype(condition)
    x, y = numbers("where", (2, 3, 4)), numbers("where", (2, 3, 4), seed=1)
    check_operator("where", [chosen, x, y])
    check_operator("where", [np.array([0, -2]).astype(condition), x, y])
    check_operator("where", [chosen[0, 0], x[0, 0], y[0, 0]])


def test_where_nan_is_true(check_operator: Any) -> None:
    check_operator("where", [np.array([np.nan, 0], "float32"), np.ones(2, "float32"), np.zeros(2, "float32")])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_quadratic(check_operator: Any, dtype: str) -> None:
    x = numbers("quadratic", (3, 4), dtype)
    check_operator("_contrib_quadratic", [x], a=1.5, b=-2, c=0.25)
    check_operator("_contrib_quadratic", [x])


def test_quadratic_of_integers(check_operator: Any) -> None:
    check_operator("_contrib_quadratic", [np.array([1, 2, 5], "int32")], a=1, b=2, c=0.5)


FLOATS = ["float64", "float32", "float16"]


@pytest.mark.parametrize("target", [*FLOATS, "int32", "int64", "int8", "uint8", "bool"])
@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64", "int8", "uint8"])
def test_cast(check_operator: Any, dtype: str, target: str) -> None:
    values = [0, 0.75, 1, 1.5, 2.75, 100.25]
    if dtype != "uint8":
        values += [-0.75, -1.5, -100.25] if target != "uint8" else [-0.75]
    check_operator("Cast", [np.array(values).astype(dtype)], dtype=target, exact=True)


def test_amp_cast(check_operator: Any) -> None:
    check_operator("amp_cast", [numbers("cast", (2, 3))], dtype="float32", exact=True)
    check_operator("amp_cast", [np.array([1, 2], "int32")], dtype="float16", exact=True)


def test_amp_multicast(check_operator: Any) -> None:
    x = numbers("cast", (2, 3))
    check_operator("amp_multicast", [x, x + 1], num_outputs=2, exact=True)
    check_operator("amp_multicast", [x, x + 1, x + 2], num_outputs=3, cast_narrow=True, exact=True)


@pytest.mark.parametrize("attributes", [{"scalar": float("inf")}, {"scalar": float("nan")}])
def test_scalars_that_are_no_numbers_are_refused(mxnet: Any, tmp_path: Any, attributes: dict[str, float]) -> None:
    mxnet.call(
        "operators:run_operator",
        operator="_mul_scalar",
        inputs=[np.ones(2, "float32")],
        attributes=attributes,
        prefix=str(tmp_path / "op"),
    )
    node = mxnet_to_neutral.read(str(tmp_path / "op")).graph.nodes[-1]
    assert node.kind == "opaque"
    assert node.attributes["reason"].startswith("scalar ")
