"""Comparisons and logic. The results are bools, which the evaluator converts to the dtype that the catalogue states."""

from __future__ import annotations

import numpy as np

from neutral.reference.registry import Array, reference


@reference("equal")
def equal(input: Array, other: Array, dtype: str | None) -> Array:
    return np.equal(input, other)


@reference("not_equal")
def not_equal(input: Array, other: Array, dtype: str | None) -> Array:
    return np.not_equal(input, other)


@reference("greater")
def greater(input: Array, other: Array, dtype: str | None) -> Array:
    return np.greater(input, other)


@reference("greater_equal")
def greater_equal(input: Array, other: Array, dtype: str | None) -> Array:
    return np.greater_equal(input, other)


@reference("less")
def less(input: Array, other: Array, dtype: str | None) -> Array:
    return np.less(input, other)


@reference("less_equal")
def less_equal(input: Array, other: Array, dtype: str | None) -> Array:
    return np.less_equal(input, other)


@reference("logical_and")
def logical_and(input: Array, other: Array, dtype: str | None) -> Array:
    return np.logical_and(input, other)


@reference("logical_or")
def logical_or(input: Array, other: Array, dtype: str | None) -> Array:
    return np.logical_or(input, other)


@reference("logical_xor")
def logical_xor(input: Array, other: Array, dtype: str | None) -> Array:
    return np.logical_xor(input, other)


@reference("logical_not")
def logical_not(input: Array, dtype: str | None) -> Array:
    return np.logical_not(input)
