"""Reductions along axes."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from neutral.operators.reduction import reduced_axes
from neutral.reference.registry import Array, reference


def _reduced(
    function: Callable[..., Any],
    input: Array,
    axes: Sequence[int] | None,
    exclude: bool,
    keepdim: bool,
    at_least_1d: bool,
    **further: Any,
) -> Array:
    """Apply a NumPy reduction to the axes that the attributes name."""
    removed = reduced_axes(None if axes is None else tuple(axes), exclude, input.ndim)
    result = np.asarray(function(input, axis=removed, keepdims=keepdim, **further))
    return np.atleast_1d(result) if at_least_1d else result


def _accumulator(input: Array) -> Any:
    """Return the dtype in which a sum or product accumulates: int64 for integers."""
    return np.int64 if input.dtype.kind in "biu" else None


@reference("sum")
def sum_(input: Array, **how: Any) -> Array:
    return _reduced(np.sum, input, dtype=_accumulator(input), **how)


@reference("mean")
def mean(input: Array, **how: Any) -> Array:
    return _reduced(np.mean, input, **how)


@reference("product")
def product(input: Array, **how: Any) -> Array:
    return _reduced(np.prod, input, dtype=_accumulator(input), **how)


@reference("nan_sum")
def nan_sum(input: Array, **how: Any) -> Array:
    return _reduced(np.nansum, input, **how)


@reference("nan_product")
def nan_product(input: Array, **how: Any) -> Array:
    return _reduced(np.nanprod, input, **how)


@reference("reduce_max")
def reduce_max(input: Array, **how: Any) -> Array:
    return _reduced(np.max, input, **how)


@reference("reduce_min")
def reduce_min(input: Array, **how: Any) -> Array:
    return _reduced(np.min, input, **how)


@reference("all")
def all_(input: Array, **how: Any) -> Array:
    return _reduced(np.all, input, **how)


@reference("any")
def any_(input: Array, **how: Any) -> Array:
    return _reduced(np.any, input, **how)


@reference("l1_norm")
def l1_norm(input: Array, **how: Any) -> Array:
    return _reduced(np.sum, np.abs(input), **how)


@reference("l2_norm")
def l2_norm(input: Array, **how: Any) -> Array:
    return np.sqrt(_reduced(np.sum, input**2, **how))


@reference("variance")
def variance(input: Array, correction: int, **how: Any) -> Array:
    return _reduced(np.var, input, ddof=correction, **how)


@reference("standard_deviation")
def standard_deviation(input: Array, correction: int, **how: Any) -> Array:
    return _reduced(np.std, input, ddof=correction, **how)


@reference("half_variance")
def half_variance(input: Array, axes: Sequence[int] | None, keepdim: bool, correction: int, dtype: str) -> Array:
    axis = None if axes is None else tuple(axes)
    total = np.sum(input, axis, dtype=np.float32, keepdims=True).astype(np.float16)
    count = input.size // total.size
    difference = input - total / np.float16(count)
    squares = (difference * difference).astype(dtype)
    return np.asarray(squares.sum(axis, keepdims=keepdim) / np.dtype(dtype).type(count - correction))


def _position(
    function: Callable[..., Any], input: Array, axis: int | None, keepdim: bool, at_least_1d: bool, dtype: str | None
) -> Array:
    result = np.asarray(function(input, axis))
    if keepdim:
        result = result.reshape([1] * input.ndim) if axis is None else np.expand_dims(result, axis)
    return np.atleast_1d(result) if at_least_1d else result


@reference("argmax")
def argmax(input: Array, **how: Any) -> Array:
    return _position(np.argmax, input, **how)


@reference("argmin")
def argmin(input: Array, **how: Any) -> Array:
    return _position(np.argmin, input, **how)


@reference("quantile")
def quantile(input: Array, q: Array, axis: int | None, keepdim: bool, interpolation: str) -> Array:
    q = q.astype(np.float64)
    if interpolation == "nearest":  # of two equally near ones the higher, where NumPy takes the even rank
        last = (input.size if axis is None else input.shape[axis]) - 1
        q = np.floor(q * last + 0.5) / max(last, 1)
    return np.quantile(input, q, axis, method=interpolation, keepdims=keepdim)  # type: ignore[call-overload]


@reference("cumulative_sum")
def cumulative_sum(input: Array, axis: int) -> Array:
    return np.cumsum(input, axis, dtype=np.int64 if input.dtype.kind in "biu" else None)
