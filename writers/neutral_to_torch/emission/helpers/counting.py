"""Distinct elements, and counts of elements in bins."""

from __future__ import annotations

import torch
from torch import Tensor


def unique(x: Tensor, dim: int | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return distinct elements or slices in order, and where and how often they occur.

    Args:
        x: A tensor of any shape.
        dim: The axis of the slices; None for elements.

    Returns:
        The elements or slices, the first position of each, the number of each element's or
        slice's own, and counts; integers of 64 bits.
    """
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True, dim=dim)
    inverse = inverse.flatten()
    places = torch.arange(inverse.numel(), device=x.device)
    first = torch.full_like(counts, inverse.numel())
    return values, first.scatter_reduce(0, inverse, places, "amin"), inverse, counts


def count_bins(bins: Tensor, valid: Tensor, count: int) -> Tensor:
    """Count how often each bin occurs.

    Args:
        bins: Numbers of bins, of any shape.
        valid: Where they count.
        count: The number of bins.

    Returns:
        Integers of 64 bits (count,).
    """
    counts = torch.zeros(count, dtype=torch.int64, device=bins.device)
    return counts.scatter_add(0, bins.clamp(0, count - 1).flatten(), valid.long().flatten())


def histogram(x: Tensor, edges: Tensor) -> Tensor:
    """Count the elements in bins; the last one includes its upper edge.

    Args:
        x: A tensor of any shape.
        edges: The edges of the bins in ascending order, (bins + 1,).

    Returns:
        Integers of 64 bits (bins,).
    """
    valid = (x >= edges[0]) & (x <= edges[-1])
    bins = torch.searchsorted(edges, x.contiguous(), right=True) - 1
    return count_bins(bins, valid, edges.shape[0] - 1)


def even_histogram(x: Tensor, count: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Count the elements in bins of equal width; the last one includes its upper edge.

    Args:
        x: A tensor of any shape.
        count: The number of bins.
        low: The first edge.
        high: The last edge.

    Returns:
        Integers of 64 bits (count,), and the edges in the dtype of ``x`` (count + 1,).
    """
    places = torch.arange(count + 1, dtype=torch.float64, device=x.device)
    edges = ((high * places + (count - places) * low) / count).to(x.dtype)
    wide = x.double()
    valid = (wide >= low) & (wide <= high)
    bins = ((wide - low) * count / (high - low)).nan_to_num().long().clamp(0, count - 1)
    bins = bins - (x < edges[bins]).long()
    above = (x >= edges[bins + 1]) & (bins != count - 1)
    return count_bins(bins + above.long(), valid, count), edges


def interpolate(
    x: Tensor,
    places: Tensor,
    values: Tensor,
    left: float | None = None,
    right: float | None = None,
) -> Tensor:
    """Interpolate linearly between points, in double precision.

    Args:
        x: The places of the results, of any shape.
        places: The places of the points (n,), ascending.
        values: The values of the points (n,).
        left: The result before the first place; None for the first value.
        right: The result after the last place; None for the last value.

    Returns:
        The values at ``x``.
    """
    x, places, values = x.double(), places.double(), values.double()
    after = torch.searchsorted(places, x, right=True).clamp(1, places.shape[0])
    before = after - 1
    after = after.clamp(max=places.shape[0] - 1)
    share = (x - places[before]) / (places[after] - places[before])
    result = values[before] * (1 - share) + values[after] * share
    result = torch.where(x == places[before], values[before], result)
    below = values[0] if left is None else torch.full_like(values[0], left)
    above = values[-1] if right is None else torch.full_like(values[0], right)
    return torch.where(x < places[0], below, torch.where(x > places[-1], above, result))


def interpolate_periodically(x: Tensor, places: Tensor, values: Tensor, period: float) -> Tensor:
    """Interpolate linearly between points that repeat, in double precision.

    Args:
        x: The places of the results, of any shape.
        places: The places of the points (n,).
        values: The values of the points (n,).
        period: The distance after which the points repeat.

    Returns:
        The values at ``x``.
    """
    x, places = x.double().remainder(period), places.double().remainder(period)
    places, order = places.sort(stable=True)
    values = values.double()[order]
    before = torch.searchsorted(places, x, right=True)
    places = torch.cat([places[-1:] - period, places, places[:1] + period])
    values = torch.cat([values[-1:], values, values[:1]])
    share = (x - places[before]) / (places[before + 1] - places[before])
    return values[before] * (1 - share) + values[before + 1] * share
