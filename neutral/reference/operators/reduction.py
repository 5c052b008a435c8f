"""Reductions along axes."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from neutral.operators.reduction import reduced_axes
from neutral.reference.registry import Array, reference


def _accumulated(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a sum or product that accumulates integers in int64."""

    def accumulate(input: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return function(input, axis, dtype=np.int64 if input.dtype.kind in "biu" else None, keepdims=keepdims)

    return accumulate


def _register(kind: str, function: Callable[..., Any]) -> None:
    @reference(kind)
    def reduce(
        input: Array, axes: Sequence[int] | None, exclude: bool, keepdim: bool, at_least_1d: bool, **further: Any
    ) -> Array:
        removed = reduced_axes(None if axes is None else tuple(axes), exclude, input.ndim)
        result = np.asarray(function(input, axis=removed, keepdims=keepdim, **further))
        return np.atleast_1d(result) if at_least_1d else result


_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _accumulated(np.sum),
    "mean": np.mean,
    "product": _accumulated(np.prod),
    "nan_sum": np.nansum,
    "nan_product": np.nanprod,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "all": np.all,
    "any": np.any,
    "l1_norm": lambda input, axis, keepdims: np.sum(np.abs(input), axis, keepdims=keepdims),
    "l2_norm": lambda input, axis, keepdims: np.sqrt(np.sum(input**2, axis, keepdims=keepdims)),
    "variance": lambda input, axis, keepdims, correction: np.var(input, axis, ddof=correction, keepdims=keepdims),
    "standard_deviation": lambda input, axis, keepdims, correction: np.std(
        input, axis, ddof=correction, keepdims=keepdims
    ),
}
for _kind, _function in _REDUCTIONS.items():
    _register(_kind, _function)


def _register_position(kind: str, function: Callable[..., Any]) -> None:
    @reference(kind)
    def position(input: Array, axis: int | None, keepdim: bool, at_least_1d: bool, dtype: str | None) -> Array:
        result = np.asarray(function(input, axis))
        if keepdim:
            result = result.reshape([1] * input.ndim) if axis is None else np.expand_dims(result, axis)
        return np.atleast_1d(result) if at_least_1d else result


_register_position("argmax", np.argmax)
_register_position("argmin", np.argmin)


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
