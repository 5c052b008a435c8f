"""Arithmetic, conversion and selection; functions of one number are in :mod:`.unary`."""

from __future__ import annotations

from typing import Callable

import numpy as np

from neutral.dtypes import DTYPE_CODE, NUMPY_DTYPE
from neutral.reference.registry import Array, reference
from neutral.values import cast_to

_BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "power": np.power,
    "hypot": np.hypot,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "atan2": np.arctan2,
    "copysign": np.copysign,
    "logaddexp": np.logaddexp,
}
for _kind, _function in _BINARY.items():
    reference(_kind)(_function)


@reference("divide")
def divide(input: Array, other: Array) -> Array:
    if np.result_type(input, other).kind != "f":
        input, other = input.astype(np.float32), other.astype(np.float32)
    return input / other


@reference("integer_divide")
def integer_divide(input: Array, other: Array) -> Array:
    quotient = input // other  # towards minus infinity; 0 if other is 0
    inexact = (quotient * other != input) & (other != 0)
    return quotient + (inexact & ((input < 0) != (other < 0)))


@reference("remainder")
def remainder(input: Array, other: Array) -> Array:
    return np.where(other == 0, 0, np.mod(input, other))


@reference("floor_divide")
def floor_divide(input: Array, other: Array) -> Array:
    return np.floor_divide(input, other)  # 0 for integers by 0


@reference("remainder_of_trunc")
def remainder_of_trunc(input: Array, other: Array) -> Array:
    return np.where(other == 0, 0, np.fmod(input, other))


@reference("ldexp")
def ldexp(input: Array, other: Array) -> Array:
    return input * np.exp2(other)


@reference("clamp")
def clamp(input: Array, min: float | None, max: float | None) -> Array:
    if min is not None:
        input = np.where(input < min, np.asarray(min).astype(input.dtype), input)
    if max is not None:
        input = np.where(input > max, np.asarray(max).astype(input.dtype), input)
    return input


@reference("cast")
def cast(input: Array, dtype: str) -> Array:
    if dtype == "bfloat16":  # kept as float32 with the precision of bfloat16
        rounded = cast_to(np.ascontiguousarray(input), "BF16").astype(np.uint32) << np.uint32(16)
        return rounded.view(np.float32).reshape(input.shape)
    return input.astype(NUMPY_DTYPE[DTYPE_CODE[dtype]])


@reference("cast_to_common")
def cast_to_common(*inputs: Array, narrowest: bool) -> list[Array]:
    floats = [input.dtype for input in inputs if input.dtype in (np.float32, np.float16)]
    if not floats:
        return list(inputs)
    dtype = (min if narrowest else max)(floats, key=lambda dtype: dtype.itemsize)
    return [input.astype(dtype) if input.dtype in floats else input for input in inputs]


@reference("where")
def where(condition: Array, input: Array, other: Array, rows: bool) -> Array:
    chosen = condition != 0
    if rows and chosen.ndim < input.ndim:
        chosen = chosen.reshape(-1, *[1] * (input.ndim - 1))
    return np.where(chosen, input, other)


@reference("polynomial")
def polynomial(coefficients: Array, input: Array) -> Array:
    result = np.zeros_like(input)
    for coefficient in coefficients:
        result = result * input + coefficient
    return result
