"""Normalizations, outside of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from neutral.reference.registry import Array, reference


def _along(vector: Array, axis: int, rank: int) -> Array:
    """Return a vector with its axis at an index among ``rank`` axes."""
    shape = [1] * rank
    shape[axis] = -1
    return vector.reshape(shape)


@reference("batch_norm")
def batch_norm(
    input: Array, weight: Array, bias: Array, running_mean: Array, running_var: Array, eps: float, axis: int, **_: Any
) -> tuple[Array, Array, Array]:
    inverse_deviation = 1 / np.sqrt(running_var + eps)
    mean, factor, offset = (
        _along(vector, axis, input.ndim) for vector in (running_mean, inverse_deviation * weight, bias)
    )
    return (input - mean) * factor + offset, running_mean, inverse_deviation


def _standardized(input: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    """Return the normalized input, the mean and the deviation over axes, which are kept."""
    mean = input.mean(axes, keepdims=True)
    deviation = np.sqrt(((input - mean) ** 2).mean(axes, keepdims=True) + eps)
    return (input - mean) / deviation, mean, deviation


@reference("layer_norm")
def layer_norm(input: Array, weight: Array, bias: Array, eps: float, axis: int) -> tuple[Array, Array, Array]:
    normalized, mean, deviation = _standardized(input, (axis,), eps)
    factor, offset = _along(weight, axis, input.ndim), _along(bias, axis, input.ndim)
    return normalized * factor + offset, mean, deviation


@reference("instance_norm")
def instance_norm(input: Array, weight: Array, bias: Array, eps: float) -> Array:
    normalized, _, _ = _standardized(input, tuple(range(2, input.ndim)), eps)
    return normalized * _along(weight, 1, input.ndim) + _along(bias, 1, input.ndim)


@reference("group_norm")
def group_norm(input: Array, weight: Array, bias: Array, eps: float, groups: int) -> tuple[Array, Array, Array]:
    grouped = input.reshape(len(input), groups, -1)
    normalized, mean, deviation = _standardized(grouped, (2,), eps)
    output = normalized.reshape(input.shape) * _along(weight, 1, input.ndim) + _along(bias, 1, input.ndim)
    return output, mean[:, :, 0], deviation[:, :, 0]


@reference("l2_normalize")
def l2_normalize(input: Array, eps: float, over: str) -> Array:
    axes = {"sample": range(1, input.ndim), "channel": (1,), "spatial": range(2, input.ndim)}[over]
    return input / np.sqrt((input**2).sum(tuple(axes), keepdims=True) + eps)


@reference("local_response_norm")
def local_response_norm(input: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    squares = np.zeros_like(input)
    for channel in range(input.shape[1]):
        near = slice(max(channel - size // 2, 0), channel + size // 2 + 1)
        squares[:, channel] = (input[:, near] ** 2).sum(1)
    return input * (k + alpha / size * squares) ** -beta
