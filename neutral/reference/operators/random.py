"""Random numbers: each function draws from the distribution that the catalogue names."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from neutral.reference.registry import Array, reference

Shape = Sequence[int]
Generator = np.random.Generator


def _register(kind: str, parameters: int, draw: Callable[..., Any]) -> None:
    """Register a distribution; ``draw`` gets the generator, the parameters and the shape."""

    @reference(kind, context="random")
    def sample(*operands: Array | None, shape: Shape | None, place: str, dtype: str | None, random: Generator) -> Array:
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
        return np.asarray(draw(random, *numbers, size)).astype(own if dtype is None else dtype)


def _negative_binomial(random: Generator, failures: Array, p: Array, size: Shape) -> Array:
    return random.poisson(random.gamma(failures, (1 - p) / p, size))  # failures need not be an integer


_register("random_normal", 2, lambda random, mean, deviation, size: random.normal(mean, deviation, size))
_register("random_uniform", 2, lambda random, low, high, size: low + (high - low) * random.random(size))
_register("random_exponential", 1, lambda random, rate, size: random.exponential(1 / rate, size))
_register("random_gamma", 2, lambda random, concentration, scale, size: random.gamma(concentration, scale, size))
_register("random_poisson", 1, lambda random, rate, size: random.poisson(rate, size))
_register("random_negative_binomial", 2, _negative_binomial)
_register("random_bernoulli", 1, lambda random, p, size: random.random(size) < p)
_register(
    "random_integer",
    2,
    lambda random, low, high, size: random.integers(low.astype(np.int64), high.astype(np.int64), size),
)


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
