"""Random numbers: each function draws from the distribution that the catalogue names."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from neutral.reference.registry import Array, reference

Shape = Sequence[int]
Generator = np.random.Generator


def _sampled(
    draw: Callable[..., Any],
    parameters: int,
    operands: Sequence[Array | None],
    shape: Shape | None,
    place: str,
    dtype: str | None,
) -> Array:
    """Draw numbers; ``draw`` gets the first operands, the parameters of the distribution, and the shape."""
    numbers = [np.asarray(operand, np.float64) for operand in operands[:parameters]]
    like = operands[parameters] if len(operands) > parameters else None
    base = np.broadcast(*numbers).shape if like is None else like.shape
    extents = tuple(shape or ())
    if place == "back" and extents:
        numbers = [number.reshape(*number.shape, *[1] * len(extents)) for number in numbers]
    whole = shape is not None and place == "whole"
    size = extents if whole else (*extents, *base) if place == "front" else (*base, *extents)
    tensors = [operand for operand in (like, *operands[:parameters]) if operand is not None and operand.ndim]
    own = (like if like is not None else tensors[0] if tensors else np.zeros((), np.float32)).dtype
    return np.asarray(draw(*numbers, size)).astype(own if dtype is None else dtype)


@reference("random_normal", context="random")
def random_normal(*operands: Array | None, random: Generator, **how: Any) -> Array:
    return _sampled(random.normal, 2, operands, **how)


@reference("random_uniform", context="random")
def random_uniform(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(low: Array, high: Array, size: Shape) -> Array:
        return low + (high - low) * random.random(size)

    return _sampled(draw, 2, operands, **how)


@reference("random_exponential", context="random")
def random_exponential(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(rate: Array, size: Shape) -> Array:
        return random.exponential(1 / rate, size)

    return _sampled(draw, 1, operands, **how)


@reference("random_gamma", context="random")
def random_gamma(*operands: Array | None, random: Generator, **how: Any) -> Array:
    return _sampled(random.gamma, 2, operands, **how)


@reference("random_poisson", context="random")
def random_poisson(*operands: Array | None, random: Generator, **how: Any) -> Array:
    return _sampled(random.poisson, 1, operands, **how)


@reference("random_negative_binomial", context="random")
def random_negative_binomial(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(failures: Array, p: Array, size: Shape) -> Array:
        return random.poisson(random.gamma(failures, (1 - p) / p, size))  # failures need not be an integer

    return _sampled(draw, 2, operands, **how)


@reference("random_binomial", context="random")
def random_binomial(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(trials: Array, p: Array, size: Shape) -> Array:
        return random.binomial(trials.astype(np.int64), p, size)

    return _sampled(draw, 2, operands, **how)


@reference("random_bernoulli", context="random")
def random_bernoulli(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(p: Array, size: Shape) -> Array:
        return random.random(size) < p

    return _sampled(draw, 1, operands, **how)


@reference("random_integer", context="random")
def random_integer(*operands: Array | None, random: Generator, **how: Any) -> Array:
    def draw(low: Array, high: Array, size: Shape) -> Array:
        return random.integers(low.astype(np.int64), high.astype(np.int64), size)

    return _sampled(draw, 2, operands, **how)


@reference("random_category", context="random")
def random_category(probabilities: Array, shape: Shape, dtype: str | None, random: Generator) -> tuple[Array, Array]:
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    bounds = np.cumsum(rows.astype(np.float64), 1)
    draws = random.random((len(rows), int(np.prod(shape))))
    positions = np.array([np.searchsorted(bound, draw, "right") for bound, draw in zip(bounds, draws)], np.int64)
    positions = np.clip(positions, 0, rows.shape[1] - 1).reshape(len(rows), -1)
    logarithms = np.log(np.take_along_axis(rows, positions, 1), dtype=np.float64).astype(rows.dtype)
    extents = (*probabilities.shape[:-1], *shape)
    own = probabilities.dtype if dtype is None else np.dtype(dtype)
    return positions.reshape(extents).astype(own), logarithms.reshape(extents)


@reference("random_permutation", context="random")
def random_permutation(input: Array, random: Generator) -> Array:
    return random.permutation(input)


@reference("random_multinomial", context="random")
def random_multinomial(
    operand: Array | None = None,
    *,
    random: Generator,
    draws: int,
    probabilities: Sequence[float] | None,
    shape: Shape,
) -> Array:
    p = np.asarray(operand if probabilities is None else probabilities, np.float64)
    p = np.append(p[:-1], max(0.0, 1 - p[:-1].sum()))
    return random.multinomial(draws, p / p.sum(), tuple(shape)).astype(np.int64)
