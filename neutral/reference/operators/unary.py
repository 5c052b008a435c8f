"""Functions of one number."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np

from neutral.reference.registry import Array, reference

_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "negative": np.negative,
    "square": np.square,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "degrees": np.degrees,
    "radians": np.radians,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "is_nan": np.isnan,
    "is_infinite": np.isinf,
    "is_finite": np.isfinite,
    "is_positive_infinity": np.isposinf,
    "is_negative_infinity": np.isneginf,
    "bitwise_not": np.invert,
}
for _kind, _function in _FUNCTIONS.items():
    reference(_kind)(_function)


@reference("sign")
def sign(input: Array) -> Array:
    return (input > 0).astype(input.dtype) - (input < 0).astype(input.dtype)


@reference("reciprocal")
def reciprocal(input: Array) -> Array:
    return 1 / input


@reference("rsqrt")
def rsqrt(input: Array) -> Array:
    return 1 / np.sqrt(input)


@reference("nan_to_num")
def nan_to_num(input: Array, nan: float, positive: float | None, negative: float | None) -> Array:
    if input.dtype.kind != "f":
        return input
    return np.nan_to_num(input, nan=nan, posinf=positive, neginf=negative)


@reference("round")
def round_(input: Array, ties: str) -> Array:
    if input.dtype.kind != "f" or ties == "to_even":
        return np.rint(input)
    whole = np.trunc(input)
    rest = input - whole
    up = rest >= 0.5 if ties == "away_from_zero" else rest > 0.5
    return np.where(np.isfinite(input), whole + up - (rest <= -0.5), input)


@reference("smooth_l1")
def smooth_l1(input: Array, sigma: float) -> Array:
    quadratic = np.abs(input) <= 1 / sigma**2
    return np.where(quadratic, 0.5 * (sigma * input) ** 2, np.abs(input) - 0.5 / sigma**2)


@reference("divide_by_sqrt_size")
def divide_by_sqrt_size(input: Array) -> Array:
    return input / math.sqrt(input.shape[-1])


def elementwise(function: Callable[[float], float], input: Array) -> Array:
    """Apply a function of the standard library to every element.

    Args:
        function: The function.
        input: Numbers of any shape.

    Returns:
        The results in the dtype of the input, float32 for integers.
    """
    dtype = input.dtype if input.dtype.kind == "f" else np.float32
    results = [function(number) for number in input.ravel().tolist()]
    return np.array(results, np.float64).reshape(input.shape).astype(dtype)


@reference("erf")
def erf(input: Array) -> Array:
    return elementwise(math.erf, input)


@reference("gamma")
def gamma(input: Array) -> Array:
    def function(x: float) -> float:
        if x == 0:
            return math.copysign(math.inf, x)
        try:
            return math.gamma(x)
        except ValueError:  # a negative integer or -infinity
            return math.nan
        except OverflowError:
            return math.inf

    return elementwise(function, input)


@reference("log_gamma")
def log_gamma(input: Array) -> Array:
    def function(x: float) -> float:
        try:
            return math.lgamma(x)
        except (ValueError, OverflowError):  # a pole, or too large
            return math.inf

    return elementwise(function, input)


@reference("digamma")
def digamma(input: Array) -> Array:
    def function(x: float) -> float:
        if x <= 0 and x == math.floor(x):
            return math.nan
        if x < 0:
            return function(1 - x) - math.pi / math.tan(math.pi * x)
        shift = 0.0
        while x < 10:  # digamma(x) = digamma(x + 1) - 1/x
            shift -= 1 / x
            x += 1
        series = sum(c / x ** (2 * k) for k, c in enumerate((1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132), 1))
        return shift + math.log(x) - 0.5 / x - series

    return elementwise(function, input)


@reference("erfinv")
def erfinv(input: Array) -> Array:
    def function(y: float) -> float:
        if not -1 < y < 1:
            return math.copysign(math.inf, y) if abs(y) == 1 else math.nan
        logarithm = math.log1p(-y * y)
        half = 2 / (math.pi * 0.147) + logarithm / 2
        x = math.copysign(math.sqrt(max(math.sqrt(half * half - logarithm / 0.147) - half, 0)), y)
        for _ in range(4):  # Newton's method on the complement, which keeps its digits near 1
            error = math.erf(x) - y if abs(y) < 0.5 else math.copysign(1, y) * (1 - abs(y) - math.erfc(abs(x)))
            x -= error / (2 / math.sqrt(math.pi) * math.exp(-x * x))
        return x

    return elementwise(function, input)
