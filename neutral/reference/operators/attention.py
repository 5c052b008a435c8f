"""Multi-head attention. In subscripts, t and s are positions, n samples, h heads and d the elements of a head."""

from __future__ import annotations

import math

import numpy as np

from neutral.reference.registry import Array, reference


def _heads(input: Array, heads: int, parts: int = 1) -> Array:
    """Return (T, N, heads, parts, D) of (T, N, heads*parts*D)."""
    return input.reshape(*input.shape[:2], heads, parts, -1)


def _scores(query: Array, key: Array) -> Array:
    """Return (N*heads, T, S) of queries (T, N, heads, D) and keys (S, N, heads, D)."""
    scores = np.einsum("tnhd,snhd->nhts", query, key, optimize=True) / math.sqrt(query.shape[-1])
    return scores.reshape(-1, *scores.shape[2:])


def _values(value: Array, weights: Array) -> Array:
    """Return (T, N, heads*D) of values (S, N, heads, D) and weights (N*heads, T, S)."""
    samples, heads = value.shape[1:3]
    weights = weights.reshape(samples, heads, *weights.shape[1:])
    sums = np.einsum("nhts,snhd->tnhd", weights, value, optimize=True)
    return sums.reshape(*sums.shape[:2], -1)


@reference("attention_scores")
def attention_scores(query: Array, key: Array, heads: int) -> Array:
    return _scores(_heads(query, heads)[:, :, :, 0], _heads(key, heads)[:, :, :, 0])


@reference("attention_values")
def attention_values(value: Array, weights: Array, heads: int) -> Array:
    return _values(_heads(value, heads)[:, :, :, 0], weights)


@reference("self_attention_scores")
def self_attention_scores(query_key_value: Array, heads: int) -> Array:
    parts = _heads(query_key_value, heads, 3)
    return _scores(parts[:, :, :, 0], parts[:, :, :, 1])


@reference("self_attention_values")
def self_attention_values(query_key_value: Array, weights: Array, heads: int) -> Array:
    return _values(_heads(query_key_value, heads, 3)[:, :, :, 2], weights)


@reference("cross_attention_scores")
def cross_attention_scores(query: Array, key_value: Array, heads: int) -> Array:
    return _scores(_heads(query, heads)[:, :, :, 0], _heads(key_value, heads, 2)[:, :, :, 0])


@reference("cross_attention_values")
def cross_attention_values(key_value: Array, weights: Array, heads: int) -> Array:
    return _values(_heads(key_value, heads, 2)[:, :, :, 1], weights)


def _window(length: int, dilation: Array, before: int, after: int) -> tuple[Array, Array]:
    """Return the positions (T, heads, places) of windows, and whether they lie in the sequence."""
    steps = dilation.astype(np.int64)[:, None] * np.arange(-before, after + 1)
    positions = np.arange(length)[:, None, None] + steps
    return np.clip(positions, 0, length - 1), (positions >= 0) & (positions < length)


def _in_windows(x: Array, dilation: Array, before: int, after: int) -> Array:
    """Return the vectors (N, T, heads, places, D) in the windows of (N, T, heads, D)."""
    positions, inside = _window(x.shape[1], dilation, before, after)
    return np.where(inside[..., None], x[:, positions, np.arange(x.shape[2])[:, None]], 0)


@reference("window_attention_scores")
def window_attention_scores(query: Array, key: Array, dilation: Array, before: int, after: int) -> Array:
    keys = _in_windows(key, dilation, before, after)
    return np.einsum("nthd,nthwd->nthw", query, keys).astype(query.dtype)


@reference("window_attention_values")
def window_attention_values(weights: Array, value: Array, dilation: Array, before: int, after: int) -> Array:
    values = _in_windows(value, dilation, before, after)
    return np.einsum("nthw,nthwd->nthd", weights, values).astype(weights.dtype)


@reference("window_attention_mask")
def window_attention_mask(scores: Array, dilation: Array, lengths: Array, before: int, after: int) -> Array:
    position, dilation = np.arange(scores.shape[1])[:, None, None], dilation[:, None]
    place, length = np.arange(before + after + 1), lengths[:, None, None, None]
    valid = (position < length) & (place >= before - position // dilation)
    if after:
        valid &= before + after - place >= after - (length - position - 1) // dilation
    return np.broadcast_to(valid, scores.shape).astype(np.float32)
