"""Random numbers that torch does not draw in one call."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def spread(
    parameters: tuple[Tensor | float, ...], shape: tuple[int, ...] | None, place: str
) -> list[Tensor]:
    """Broadcast parameters to the drawn shape: ``shape`` is the whole of it, its front or back.

    Args:
        parameters: Tensors, at least one, and numbers; they broadcast.
        shape: The drawn shape, or its part; None for the shape of the parameters.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        The parameters in one shape and dtype.
    """
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
    """Draw from the normal distribution.

    Args:
        mean: The means.
        deviation: The standard deviations.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Draws in the dtype of the parameters.
    """
    mean, deviation = spread((mean, deviation), shape, place)
    return mean + deviation * torch.randn_like(mean)


def random_uniform(
    low: Tensor | float,
    high: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw evenly from ``low`` to ``high``.

    Args:
        low: The lower bounds, included.
        high: The upper bounds, excluded.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Draws in the dtype of the parameters.
    """
    low, high = spread((low, high), shape, place)
    return low + (high - low) * torch.rand_like(low)


def random_exponential(
    rate: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw from the exponential distribution.

    Args:
        rate: The rates, the inverse of the means.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Draws in the dtype of the rates.
    """
    (rate,) = spread((rate,), shape, place)
    return torch.empty_like(rate).exponential_() / rate


def random_gamma(
    concentration: Tensor | float,
    scale: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw from the gamma distribution.

    Args:
        concentration: The shapes of the distributions, above 0.
        scale: The scales, the inverse of the rates.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Draws in the dtype of the parameters.
    """
    concentration, scale = spread((concentration, scale), shape, place)
    wide = torch.promote_types(concentration.dtype, torch.float32)
    one = torch.ones_like(scale, dtype=wide)
    gamma = torch.distributions.Gamma(concentration.to(wide), one, validate_args=False)
    return (gamma.sample() * scale).to(concentration.dtype)


def random_poisson(
    rate: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw from the Poisson distribution.

    Args:
        rate: The means.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Whole numbers in the dtype of the rates.
    """
    (rate,) = spread((rate,), shape, place)
    return torch.poisson(rate)


def random_negative_binomial(
    failures: Tensor | float,
    p: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw from the negative binomial distribution.

    Args:
        failures: The numbers of failures at which the count ends.
        p: The probabilities of failure.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Whole numbers in the dtype of the parameters.
    """
    failures, p = spread((failures, p), shape, place)
    wide = torch.promote_types(failures.dtype, torch.float32)
    rate = random_gamma(failures.to(wide), (1 - p.to(wide)) / p)
    return torch.poisson(rate).to(failures.dtype)


def random_binomial(
    trials: Tensor | float,
    p: Tensor | float,
    shape: tuple[int, ...] | None = None,
    place: str = "whole",
) -> Tensor:
    """Draw how many of some trials succeed.

    Args:
        trials: The numbers of trials.
        p: The probabilities of success.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        Whole numbers in the dtype of the parameters.
    """
    trials, p = spread((trials, p), shape, place)
    wide = torch.promote_types(trials.dtype, torch.float32)  # torch draws no float16
    return torch.binomial(trials.to(wide), p.to(wide)).to(trials.dtype)


def random_bernoulli(
    p: Tensor, shape: tuple[int, ...] | None = None, place: str = "whole"
) -> Tensor:
    """Draw 1 with probability ``p``, else 0.

    Args:
        p: The probabilities, from 0 to 1.
        shape: The drawn shape, or its part; see :func:`spread`.
        place: ``"whole"``, ``"front"`` or ``"back"``.

    Returns:
        0 and 1 in the dtype of the probabilities.
    """
    (p,) = spread((p,), shape, place)
    return torch.bernoulli(p)


def random_category(x: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.int64) -> Tensor:
    """Draw positions of the last axis by the probabilities there.

    Args:
        x: Probabilities (..., categories).
        shape: The shape of the draws from each row; () for one.
        dtype: The dtype of the result.

    Returns:
        Numbers of categories (..., *shape).
    """
    rows = x.reshape(-1, x.shape[-1])
    drawn = rows.multinomial(math.prod(shape), replacement=True)
    return drawn.reshape(x.shape[:-1] + tuple(shape)).to(dtype)


def random_category_and_log(
    x: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.int64
) -> tuple[Tensor, Tensor]:
    """Draw positions, and return the logarithms of their probabilities too.

    Args:
        x: Probabilities (..., categories).
        shape: The shape of the draws from each row; () for one.
        dtype: The dtype of the positions.

    Returns:
        Numbers of categories and logarithms, (..., *shape) each.
    """
    drawn = random_category(x, shape)
    flat = drawn.reshape(*x.shape[:-1], -1)
    return drawn.to(dtype), x.gather(-1, flat).log().reshape(drawn.shape)


def random_multinomial(p: Tensor, draws: int, shape: tuple[int, ...] = ()) -> Tensor:
    """Draw categories, and count how often each was drawn.

    Args:
        p: Probabilities (categories,); the last one is what the others leave.
        draws: The number of draws for each count.
        shape: The shape of the counts.

    Returns:
        Integers of 64 bits (*shape, categories).
    """
    p = torch.cat([p[:-1], (1 - p[:-1].sum(0, keepdim=True)).clamp(min=0)])
    counts = torch.zeros(*shape, p.shape[0], dtype=torch.int64, device=p.device)
    if draws * math.prod(shape) == 0:
        return counts
    drawn = p.multinomial(draws * math.prod(shape), replacement=True).reshape(*shape, draws)
    return counts.scatter_add(-1, drawn, torch.ones_like(drawn))
