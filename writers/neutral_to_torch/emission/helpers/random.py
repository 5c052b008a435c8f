"""Random numbers that torch does not draw in one call."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def spread(
    parameters: tuple[Tensor | float, ...], shape: tuple[int, ...] | None, place: str
) -> list[Tensor]:
    """Broadcast parameters to the drawn shape: ``shape`` is the whole of it, its front or back."""
    given = next(p for p in parameters if isinstance(p, Tensor))
    tensors = [torch.as_tensor(p, dtype=given.dtype, device=given.device) for p in parameters]
    tensors = list(torch.broadcast_tensors(*tensors))
    if shape is None:
        return tensors
    if place == "whole":
        return [x.expand(*shape) for x in tensors]
    if place == "front":
        return [x.expand(*shape, *x.shape) for x in tensors]
    return [x.reshape(*x.shape, *[1] * len(shape)).expand(*x.shape, *shape) for x in tensors]


def random_normal(
    mean: Tensor | float,
    deviation: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw from the normal distribution."""
    mean, deviation = spread((mean, deviation), shape, place)
    return mean + deviation * torch.randn_like(mean)


def random_uniform(
    low: Tensor | float,
    high: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw evenly from ``low`` to ``high``."""
    low, high = spread((low, high), shape, place)
    return low + (high - low) * torch.rand_like(low)


def random_exponential(
    rate: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw from the exponential distribution."""
    (rate,) = spread((rate,), shape, place)
    return torch.empty_like(rate).exponential_() / rate


def random_gamma(
    concentration: Tensor | float,
    scale: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw from the gamma distribution."""
    concentration, scale = spread((concentration, scale), shape, place)
    gamma = torch.distributions.Gamma(concentration, torch.ones_like(scale), validate_args=False)
    return gamma.sample() * scale


def random_poisson(
    rate: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw from the Poisson distribution."""
    (rate,) = spread((rate,), shape, place)
    return torch.poisson(rate)


def random_negative_binomial(
    failures: Tensor | float,
    p: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw from the negative binomial distribution."""
    failures, p = spread((failures, p), shape, place)
    return torch.poisson(random_gamma(failures, (1 - p) / p))


def random_bernoulli(
    p: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw 1 with probability ``p``, else 0."""
    (p,) = spread((p,), shape, place)
    return torch.bernoulli(p)


def random_category(x: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.int64) -> Tensor:
    """Draw positions of the last axis by the probabilities there."""
    rows = x.reshape(-1, x.shape[-1])
    drawn = rows.multinomial(math.prod(shape), replacement=True)
    return drawn.reshape(*x.shape[:-1], *shape).to(dtype)


def random_category_and_log(
    x: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.int64
) -> tuple[Tensor, Tensor]:
    """Draw positions, and return the logarithms of their probabilities too."""
    drawn = random_category(x, shape)
    flat = drawn.reshape(*x.shape[:-1], -1)
    return drawn.to(dtype), x.gather(-1, flat).log().reshape(drawn.shape)
