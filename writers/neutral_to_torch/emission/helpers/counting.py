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
