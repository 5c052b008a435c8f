"""Operators of integers, bools and mixed dtypes that the symbol declares, against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
from differential.calls import single_call
from differential.compare import outcome
from differential.draft import Input
from neutral.store.store import Store

F = np.array([[0.5, -1.25, 3.75, 2.5], [2.0, 1.5, -0.75, 0.75]], "float32")
B = np.array([[True, False, True, True], [False, False, True, False]])
Y = np.array([[3, -2, 4, 1], [0, 5, -3, 2]], "int32")
DTYPES = ("int32", "int64", "uint8", "int8", "bool")


def integers(dtype: str) -> np.ndarray:
    return np.array([[0, 1, 5, 77], [2, 127, 3, 64]]).astype(dtype)


@pytest.mark.parametrize("other", ["int32", "uint8", "bool", "float16"])
def test_remainders_of_floats_stay_floats(check_numpy: Any, other: str) -> None:
    check_numpy("np.mod(x, y)", x=F, y=Y.astype(other))


@pytest.mark.parametrize(("x", "y"), [("int32", "int64"), ("int64", "uint8"), ("int32", "bool"), ("uint8", "int8")])
def test_integers_of_two_dtypes(check_numpy2: Any, x: str, y: str) -> None:
    for expression in ("np.mod(x, y)", "np.add(x, y)"):
        check_numpy2(expression, x=Y.astype(x), y=integers(y))


@pytest.mark.parametrize(("x", "y"), [("int32", "int64"), ("uint8", "int32"), ("float32", "int64")])
def test_scalars_widen_tensors(check_numpy: Any, x: str, y: str) -> None:
    check_numpy("np.add(x, y)", x=integers(x), y=np.array(3, y))
    check_numpy("np.subtract(x, y)", x=integers(x), y=np.array([[3]], y))


@pytest.mark.parametrize(("x", "y"), [("uint8", "int8"), ("int8", "uint8")])
def test_signed_and_unsigned_scalars_widen_tensors(check_numpy2: Any, x: str, y: str) -> None:
    for expression in ("x + y", "x * y", "x - y", "np.mod(x, y)"):
        check_numpy2(expression, x=integers(x), y=np.array(3, y))


@pytest.mark.parametrize("expression", ["x - (x > 0)", "(x > 0) - x", "x - m", "m - x", "x * m + m"])
def test_bools_are_subtracted(check_numpy1: Any, expression: str) -> None:
    check_numpy1(expression, x=F, **({"m": B} if "m" in expression else {}))


def test_bools_are_subtracted_from_integers(check_numpy2: Any) -> None:
    check_numpy2("y - m", y=Y, m=B)
    check_numpy2("m - y", y=Y, m=B)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("expression", ["x / 1", "x / 2", "np.any(x, axis=1)", "np.all(x)"])
def test_functions_that_change_the_dtype(check_numpy2: Any, expression: str, dtype: str) -> None:
    check_numpy2(expression, x=integers(dtype), exact=True)


@pytest.mark.parametrize("function", ["sum", "prod"])
def test_reductions_as_integers_truncate_last(check_numpy: Any, function: str) -> None:
    check_numpy(f"np.{function}(x, axis=1, dtype='int32')", x=F, exact=True)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
def test_powers_of_integers_are_those_of_float32(check_numpy: Any, dtype: str) -> None:
    base = np.array([0, 1, 2, 3, 7, 100], dtype)
    check_numpy("np.power(x, y)", x=base, y=np.array([0, 3, 3, 4, 22, 9], dtype), exact=True)


def test_power_of_bools(check_numpy: Any) -> None:
    check_numpy("np.power(x, y)", x=B, y=~B)


@pytest.mark.parametrize("value", ["2.7", "-1", "300", "float('nan')", "float('inf')"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_full_like_casts_as_c_does(check_numpy2: Any, value: str, dtype: str) -> None:
    check_numpy2(f"np.full_like(x, {value})", x=integers(dtype), exact=True)


def test_full_like_of_another_dtype(check_numpy: Any) -> None:
    check_numpy("np.full_like(x, 2.7, dtype='float32')", x=Y, exact=True)
    check_numpy("np.full_like(x, 2.7, dtype='int32')", x=F, exact=True)


@pytest.mark.parametrize("percent", [10, 12.5, 37.5, 50, 62.5])
def test_the_higher_of_two_nearest_elements(check_numpy2: Any, percent: float) -> None:
    check_numpy2(f"np.percentile(x, {percent}, axis=0, interpolation='nearest', keepdims=True)", x=F, exact=True)
    check_numpy2(f"np.percentile(x, {percent}, interpolation='nearest')", x=F.reshape(-1)[:5], exact=True)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
def test_real_functions_of_integers(check_operator: Any, check_numpy: Any, dtype: str) -> None:
    x = np.arange(0 if dtype == "uint8" else -36, 45).astype(dtype)
    for operator in ("sigmoid", "softsign", "erf", "gammaln", "log", "cbrt", "degrees"):
        check_operator(operator, [x], exact=True)
    check_operator("tanh", [x[abs(x.astype("int64")) < 18]], exact=True)  # beyond, libraries round to 1 or below
    for sigma in (1.0, 2.0, 2.5):
        check_operator("smooth_l1", [x], scalar=sigma, exact=True)
    check_numpy("npx.sigmoid(x)", x=x, exact=True)


@pytest.mark.parametrize("dtype", ["int32", "int8"])
def test_exponentials_of_integers(check_operator: Any, check_numpy: Any, dtype: str) -> None:
    for operator in ("exp", "sinh", "cosh", "expm1"):
        check_operator(operator, [np.arange(-30, 45).astype(dtype)], exact=True)
    check_numpy("np.exp(x)", x=np.arange(-9, 15).astype(dtype))


@pytest.mark.parametrize(
    ("dtype", "least", "greatest"),
    [("uint8", 1.5, 2000), ("uint8", -7, 300), ("uint8", -1.5, 2.5), ("int8", -1000, 1000), ("int8", -1.5, 1e9)],
)
def test_clip_beyond_the_dtype(check_operator: Any, dtype: str, least: float, greatest: float) -> None:
    check_operator("clip", [np.array([3, 100, 0, 255 if dtype == "uint8" else -100], dtype)], a_min=least,
                   a_max=greatest, exact=True)  # fmt: skip


@pytest.mark.parametrize("scalar", [1.5, 2.0, -1.5])
@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_comparisons_of_integers_with_fractions(check_operator: Any, dtype: str, scalar: float) -> None:
    for name in ("equal", "not_equal", "greater", "greater_equal", "lesser", "lesser_equal"):
        check_operator(f"_{name}_scalar", [integers(dtype)], scalar=scalar, exact=True)


def opaque_reason(mxnet: Any, folder: Path, expression: str, x: np.ndarray) -> str:
    """Return why the node of an expression is opaque."""
    mxnet.call("numpy_mode:run", expression=expression, inputs={"x": x}, prefix=str(folder / "m"))
    store: Store = mxnet_to_neutral.read(str(folder / "m"))
    assert store.graph is not None
    (reason,) = (node.attributes["reason"] for node in store.graph.nodes if node.kind == "opaque")
    return str(reason)


@pytest.mark.parametrize("expression", ["np.var(x)", "np.std(x, axis=())", "np.var(x, dtype='float32')"])
def test_deviations_of_integers_are_refused(mxnet: Any, tmp_path: Path, expression: str) -> None:
    assert "the deviation of integers" in opaque_reason(mxnet, tmp_path, expression, Y)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_means_of_integers_overflow(check_operator: Any, dtype: str) -> None:
    x = np.array([[3, 100, 100], [120, 120, 1]]).astype(dtype) * (2**24 if dtype == "int32" else 1)
    check_operator("mean", [x], exact=True)
    check_operator("mean", [x], axis=1, keepdims=True, exact=True)


@pytest.mark.parametrize("number", ["0", "1", "2", "-3"])
def test_a_number_and_bools_are_added_as_integers(mxnet: Any, tmp_path: Path, number: str) -> None:
    call = single_call("_plus_scalar", {"scalar": number}, [Input((3, 4))], "bool")
    result = mxnet.call("differential:run_one", call=call)
    assert result["outputs"][0].dtype == np.int64
    assert outcome(result, tmp_path) == ("equal", "")


@pytest.mark.parametrize("other", ["int32", "int64", "uint8"])
def test_quotients_of_floats_and_integers(check_numpy2: Any, other: str) -> None:
    x, y = np.array([7.5, -2.5, 3.0], "float32"), np.array([2, 3, 2], other)
    check_numpy2("np.floor_divide(x, y)", x=x, y=y)
    check_numpy2("np.floor_divide(y, x)", x=x, y=y)


def test_the_quotient_of_floats_by_0(check_numpy2: Any) -> None:
    x, y = np.float32([-7.5, -1, 0, 1, 7]), np.zeros(5, np.float32)
    for expression in ("np.floor_divide(x, y)", "np.floor_divide(x, 0.0)", "np.floor_divide(3.0, y)"):
        check_numpy2(expression, x=x, y=y)


def test_integers_divided_by_a_fraction_that_is_0_among_integers(mxnet2: Any, tmp_path: Path) -> None:
    call = single_call("_npi_floor_divide_scalar", {"scalar": "-0.5"}, [Input((3, 4))], "int8")
    assert outcome(mxnet2.call("differential:run_one", call=call), tmp_path) == ("equal", "")
