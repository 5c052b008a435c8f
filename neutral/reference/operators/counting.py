"""Distinct elements, and how often elements occur."""

from __future__ import annotations

import numpy as np

from neutral.reference.registry import Array, reference


@reference("unique")
def unique(input: Array, axis: int | None) -> tuple[Array, ...]:
    whole = input if input.ndim else input.reshape(1)
    found = np.unique(whole, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    return (found[0], *(np.ravel(item).astype(np.int64) for item in found[1:]))


@reference("bincount")
def bincount(input: Array, weights: Array | None = None, *, min_length: int) -> Array:
    counts: Array = np.bincount(input, weights, min_length)
    return counts.astype(input.dtype if weights is None else weights.dtype)


@reference("histogram")
def histogram(
    input: Array, edges: Array | None = None, *, count: int | None, low: float | None, high: float | None
) -> tuple[Array, Array]:
    values = input.ravel()
    if edges is not None:
        values = values[(values >= edges[0]) & (values <= edges[-1])]
        bins = np.minimum(np.searchsorted(edges, values, "right") - 1, len(edges) - 2)
        return np.bincount(bins, minlength=len(edges) - 1).astype(np.int64), edges
    assert count is not None and low is not None and high is not None
    places = np.arange(count + 1)
    bounds = ((high * places + (count - places) * low) / count).astype(input.dtype)
    values = values[(values >= np.float64(low)) & (values <= np.float64(high))]
    bins = np.minimum(((values.astype(np.float64) - low) * count / (high - low)).astype(np.int64), count - 1)
    bins -= values < bounds[bins]
    bins += (values >= bounds[bins + 1]) & (bins != count - 1)
    return np.bincount(bins, minlength=count).astype(np.int64), bounds


@reference("interpolate")
def interpolate(
    input: Array, places: Array, values: Array, left: float | None, right: float | None, period: float | None
) -> Array:
    x, places, values = (np.asarray(each, np.float64) for each in (input, places, values))
    if period is None:
        return np.interp(x, places, values, left, right)
    x, places = np.mod(x, period), np.mod(places, period)
    order = np.argsort(places, kind="stable")
    places, values = places[order], values[order]
    after = np.searchsorted(places, x, "right")
    places = np.concatenate([places[-1:] - period, places, places[:1] + period])
    values = np.concatenate([values[-1:], values, values[:1]])
    share = (x - places[after]) / (places[after + 1] - places[after])
    return values[after] * (1 - share) + values[after + 1] * share
