"""Activation functions."""

from __future__ import annotations

import math

import numpy as np

from neutral.reference.operators.unary import erf
from neutral.reference.registry import Array, reference


@reference("relu")
def relu(input: Array) -> Array:
    return np.maximum(input, np.zeros((), input.dtype))


@reference("sigmoid")
def sigmoid(input: Array) -> Array:
    return 1 / (1 + np.exp(-input))


@reference("log_sigmoid")
def log_sigmoid(input: Array) -> Array:
    return -softplus(-input)


@reference("tanh")
def tanh(input: Array) -> Array:
    return np.tanh(input)


@reference("softplus")
def softplus(input: Array) -> Array:
    return np.logaddexp(input, np.zeros((), input.dtype))


@reference("softsign")
def softsign(input: Array) -> Array:
    return input / (1 + np.abs(input))


@reference("selu")
def selu(input: Array) -> Array:
    return 1.0507009873554805 * elu(input, 1.6732632423543772)


@reference("gelu")
def gelu(input: Array) -> Array:
    return 0.5 * input * (1 + erf(input / math.sqrt(2)))


@reference("gelu_tanh")
def gelu_tanh(input: Array) -> Array:
    return 0.5 * input * (1 + np.tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))


@reference("mish")
def mish(input: Array) -> Array:
    return input * np.tanh(softplus(input))


@reference("hard_sigmoid")
def hard_sigmoid(input: Array, alpha: float, beta: float) -> Array:
    return np.clip(alpha * input + beta, 0, 1)


@reference("leaky_relu")
def leaky_relu(input: Array, negative_slope: float) -> Array:
    return np.where(input > 0, input, negative_slope * input)


@reference("elu")
def elu(input: Array, alpha: float) -> Array:
    return np.where(input > 0, input, alpha * np.expm1(input))


@reference("prelu")
def prelu(input: Array, weight: Array) -> Array:
    shape = (-1,) if input.ndim == 1 else (-1, *[1] * (input.ndim - 2))
    return np.where(input > 0, input, weight.reshape(shape) * input)


@reference("softmax")
def softmax(input: Array, length: Array | None = None, *, axis: int) -> Array:
    if length is not None:
        positions = np.arange(input.shape[axis])
        after = np.moveaxis(np.broadcast_to(positions, (*length.shape, len(positions))), -1, axis)
        return masked_softmax(input, after < np.expand_dims(length, axis), axis)
    powers = np.exp(input - input.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


@reference("softmax_of_sample")
def softmax_of_sample(input: Array) -> Array:
    rows = (1, -1) if input.ndim == 1 else (len(input), -1)
    return softmax(input.reshape(rows), axis=1).reshape(input.shape)


@reference("log_softmax")
def log_softmax(input: Array, axis: int) -> Array:
    shifted = input - input.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@reference("masked_softmax")
def masked_softmax(input: Array, mask: Array, axis: int) -> Array:
    return np.where(mask != 0, softmax(np.where(mask != 0, input, -np.inf), axis=axis), 0)


@reference("masked_log_softmax")
def masked_log_softmax(input: Array, mask: Array, axis: int) -> Array:
    return np.where(mask != 0, log_softmax(np.where(mask != 0, input, -np.inf), axis), -np.inf)
