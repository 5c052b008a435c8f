"""Arithmetic, comparison and functions in NumPy mode against MXNet 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.lines import given

A = np.array([[0.5, -1.25, 3.0], [2.0, 0.0, -0.75]], "float32")
B = np.array([[1.5, -1.25, 2.0]], "float32")
I = np.array([[0, 1, 5], [7, 2, 3]], "int32")  # noqa: E741
J = np.array([3, 1, 2], "int32")
M = np.array([[True, False, True], [False, False, True]])


ARITHMETIC = [
    "a + b", "a - b", "a * b", "a / b", "a % b", "np.abs(a) ** b", "np.maximum(a, b)", "np.minimum(a, b)",
    "np.hypot(a, b)", "np.arctan2(a, b)", "np.copysign(a, b)", "np.ldexp(a, b)", "-a", "np.abs(a)",
    "a + 2", "a - 2", "2 - a", "a * 2", "a / 2", "2 / (a + 5)", "a % 2", "2 % (a + 5)", "np.abs(a) ** 2", "2 ** a",
    "np.maximum(a, 1)", "np.minimum(a, 1.5)", "np.hypot(a, 2)", "np.arctan2(a, 2)", "np.arctan2(2, a)",
    "np.ldexp(a, 2)", "np.ldexp(2, a)", "a + 0.5", "0.5 - a",
    "np.add(a, a)", "np.true_divide(a, b)",
]  # fmt: skip


@pytest.mark.parametrize("expression", ARITHMETIC)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_arithmetic(check_numpy: Any, expression: str, dtype: str) -> None:
    check_numpy(expression, **given(expression, a=A.astype(dtype), b=B.astype(dtype)))


@pytest.mark.parametrize(
    "expression",
    [
        "np.fmod(a, b)", "np.fmod(a, 0.75)", "np.fmod(2, b)", "np.fmax(a, b)", "np.fmin(a, 1)", "np.logaddexp(a, b)",
        "a // b", "a // 2", "2 // b",
    ],
)  # fmt: skip
def test_arithmetic_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, **given(expression, a=A, b=B))


@pytest.mark.parametrize("expression", ["np.zeros((2, 3)) + a", "a - np.ones(3)", "np.maximum(np.zeros(3), a)"])
def test_an_operand_of_unknown_dtype(check_numpy: Any, expression: str) -> None:
    """The graph states the dtype of the other operand alone, as in cells that begin with zeros."""
    check_numpy(expression, a=A)


@pytest.mark.parametrize("expression", ["np.copysign(a, -1)", "np.copysign(2, a)", "np.copysign(i, -1)"])
def test_sign_of_a_number(check_numpy1: Any, expression: str) -> None:
    """MXNet 2 cannot run these in a graph."""
    check_numpy1(expression, **given(expression, a=A, i=I))


INTEGERS = [
    "i + j", "i - j", "i * j", "i / j", "i % j", "j ** i", "np.maximum(i, j)", "i + 2", "i - 2", "2 - i", "i * 2",
    "i / 2", "2 / j", "i % 2", "7 % j", "i ** 2", "np.minimum(i, 3)", "-i", "np.abs(-i)", "np.sign(i)",
    "np.square(i)", "i / 2.5", "i > 2", "i == j", "np.lcm(i, j)", "np.bitwise_and(i, j)", "np.bitwise_or(i, 6)",
    "np.bitwise_xor(i, j)", "np.lcm(i, 4)", "np.invert(i)", "np.hypot(i, 2)", "np.reciprocal(j)", "np.clip(i, 1, 3)",
    "np.exp(i)", "np.sqrt(i)", "np.floor(i)", "np.rint(i)", "np.fix(i)", "np.around(i)", "np.log2(j)",
    "np.logical_not(i)",
]  # fmt: skip


@pytest.mark.parametrize("expression", INTEGERS)
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers(check_numpy: Any, expression: str, dtype: str) -> None:
    if dtype == "uint8" and ("-" in expression or "rem" in expression):
        pytest.skip("the numbers have no sign")
    check_numpy(expression, **given(expression, i=I.astype(dtype), j=J.astype(dtype)))


@pytest.mark.parametrize(
    "expression",
    [
        "i + 2.5", "i * 0.5", "2.5 - i", "i > 2.5", "i == 2.0", "np.gcd(i, j)", "i // j", "i // 2", "np.fmod(i, 3)",
        "np.bitwise_left_shift(i, j)", "np.bitwise_right_shift(i, j)", "np.logical_and(i, j)", "m + 2.5",
    ],
)  # fmt: skip
def test_integers_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, **given(expression, i=I, j=J, m=M))


@pytest.mark.parametrize("expression", ["i + 2.5", "i * 0.5", "2.5 - i"])
def test_a_fraction_is_cut_off_for_integers_by_mxnet_1(check_numpy1: Any, expression: str) -> None:
    check_numpy1(expression, i=I)


MIXED = [
    "i + a", "a - i", "i * h", "h + a", "a * d", "i / a", "m * a", "m + i", "m * 2", "a ** l", "l + i", "i / h",
    "m + m", "a * m + i",
]  # fmt: skip


@pytest.mark.parametrize("expression", MIXED)
def test_mixed_dtypes(check_numpy: Any, expression: str) -> None:
    floats = {"a": np.abs(A), "h": A.astype("float16"), "d": A.astype("float64")}
    arrays = {**floats, "i": I, "l": I.astype("int64"), "m": M}
    check_numpy(expression, **given(expression, **arrays))


@pytest.mark.parametrize("expression", ["a > b", "a < i", "np.equal(i, l)", "np.arctan2(a, i)", "a / h"])
def test_more_mixed_dtypes_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    arrays = {"a": A, "b": B, "h": np.abs(A).astype("float16") + 1, "i": I, "l": I.astype("int64")}
    check_numpy2(expression, **given(expression, **arrays))


TRUTHS = ["a > b", "a >= b", "a < b", "a <= b", "a == b", "a != b", "a > 0", "a >= 0.5", "a < 0", "a <= 2", "a == 0",
          "a != 0", "0 < a", "np.logical_not(a)", "np.isnan(n)", "np.isinf(n)", "np.isfinite(n)", "np.isposinf(n)",
          "np.isneginf(n)", "n == n", "n > 0", "np.logical_not(m)", "m == m", "np.bitwise_and(m, a > 0)",
          "np.bitwise_or(m, a > 0)", "np.bitwise_xor(m, a > 0)", "np.invert(m)", "m > 0", "(a > 0) * a"]  # fmt: skip


@pytest.mark.parametrize("expression", TRUTHS)
def test_comparisons_give_bools(check_numpy: Any, expression: str) -> None:
    n = np.array([np.nan, np.inf, -np.inf, 0, 1], "float32")
    check_numpy(expression, exact=True, **given(expression, a=A, b=B, n=n, m=M))


@pytest.mark.parametrize(
    "expression",
    [
        "np.logical_and(a, b)", "np.logical_or(a, b)", "np.logical_xor(a, m)", "np.logical_and(a, 0)",
        "np.logical_or(a, 1)", "np.logical_xor(m, 1)",
    ],
)  # fmt: skip
def test_logic_of_mxnet_2(check_numpy2: Any, expression: str) -> None:
    check_numpy2(expression, exact=True, **given(expression, a=A, b=B, m=M))


FUNCTIONS = [
    "sign", "square", "exp", "expm1", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "arcsinh", "degrees",
    "radians", "floor", "ceil", "trunc", "fix", "rint", "cbrt", "absolute", "negative", "reciprocal",
]  # fmt: skip
POSITIVE = ["sqrt", "log", "log10", "log2", "log1p"]
BOUNDED = ["arcsin", "arccos", "arctanh"]


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", [*FUNCTIONS, *POSITIVE, *BOUNDED, "arccosh"])
def test_function(check_numpy: Any, name: str, dtype: str) -> None:
    x = np.array([[-3.5, -2.5, -1.5, -0.5, -0.25], [0.5, 1.5, 2.5, 3.75, 0.125]], dtype)
    x = np.abs(x) if name in POSITIVE else x / 4 if name in BOUNDED else np.abs(x) + 1 if name == "arccosh" else x
    check_numpy(f"np.{name}(x)", x=x.astype(dtype))


@pytest.mark.parametrize("expression", ["npx.relu(a)", "npx.sigmoid(a)", "npx.gamma(np.abs(a) + 1)", "npx.erf(a)",
                                        "npx.gammaln(np.abs(a) + 1)", "npx.erfinv(a / 4)", "npx.smooth_l1(a)",
                                        "npx.leaky_relu(a)", "npx.leaky_relu(a, act_type='gelu')", "npx.softmax(a)",
                                        "npx.log_softmax(a)", "npx.softmax(a, axis=0, temperature=2)",
                                        "npx.activation(a, act_type='softrelu')"])  # fmt: skip
def test_activations(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, a=A)


@pytest.mark.parametrize("decimals", ["", ", 1", ", -1"])
def test_rounding(check_numpy: Any, decimals: str) -> None:
    x = np.array([0.5, 1.5, -0.5, -2.5, 12.25, 0.26, -15.0, 3.14159], "float32")
    check_numpy(f"np.around(x{decimals})", x=x)


@pytest.mark.parametrize("arguments", ["", ", nan=1.5", ", posinf=7, neginf=-8"])
def test_numbers_for_what_is_none(check_numpy: Any, arguments: str) -> None:
    x = np.array([0.5, np.nan, np.inf, -np.inf], "float32")
    check_numpy(f"np.nan_to_num(x{arguments})", x=x)


WHERE = [
    "np.where(a > 0, a, b)", "np.where(m, a, 0.0)", "np.where(m, 1.0, a)", "np.where(m, 1.0, 0.0)",
    "np.where(a, a, b)", "np.where(i, i, 7)", "np.where(a > 0, a, b[0])", "np.where((a > 0)[0], a, b)",
    "np.where(i > 2, i, i * 2)", "np.where(m, a, -1e30)", "np.where(m[0, 0], a, b)",
]  # fmt: skip


@pytest.mark.parametrize("expression", WHERE)
def test_where(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, **given(expression, a=A, b=B, i=I, m=M))


@pytest.mark.parametrize(
    "expression",
    [
        "np.clip(a, 0, 1)", "np.clip(a, None, 1)", "np.clip(a, -0.5, None)", "a.clip(0, 1)",
    ],
)  # fmt: skip
def test_clip(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, a=A)


@pytest.mark.parametrize("expression", ["a + 1", "a * 2.5", "a / a", "a > a", "np.exp(a)", "np.where(a > 0, a, -a)"])
def test_scalars_without_axes(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, a=np.array(1.5, "float32"))


@pytest.mark.parametrize("expression", ["i + 1", "i * a", "i > 2", "i / 2", "a * (i > 2)", "np.where(i > 2, a, -a)"])
def test_integers_that_do_not_say_so(check_numpy: Any, expression: str) -> None:
    """An exported symbol does not hold the dtypes of its inputs."""
    check_numpy(expression, declared=False, **given(expression, a=A, i=I))


@pytest.mark.parametrize("expression", ["np.where(m, 0.5, n)", "np.where(m, n, 0.0)", "np.where(m, 2, n)"])
def test_bools_stay_bools(check_numpy: Any, expression: str) -> None:
    check_numpy(expression, exact=True, m=np.array([True, True, False]), n=np.array([True, False, False]))


def test_the_common_multiple_of_bools(check_numpy1: Any) -> None:
    check_numpy1("np.lcm(m, n)", exact=True, m=np.array([True, True, False]), n=np.array([True, False, False]))
