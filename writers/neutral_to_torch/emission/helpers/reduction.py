"""Reductions that torch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.fx.wrap
def other_axes(x: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return all axes but these.

    Args:
        x: A tensor of any shape.
        axes: Axes; negative ones count from the end.

    Returns:
        The others, ascending.

    Raises:
        ValueError: There are no others than the given ones.
    """
    excluded = {axis % x.ndim for axis in axes}
    others = tuple(axis for axis in range(x.ndim) if axis not in excluded)
    if axes and not others:
        raise ValueError(f"a tensor with {x.ndim} axes has none besides {axes}")
    return others


@torch.fx.wrap
def product(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Multiply the elements; those of float16 in float32, which torch does in sums alone.

    Args:
        x: A tensor of any shape.
        dim: The axis that is multiplied over; None for all.
        keepdim: Whether the axis stays, with an extent of 1.

    Returns:
        The products.
    """
    wide = x.float() if x.dtype == torch.float16 else x
    result = wide.prod() if dim is None else wide.prod(dim, keepdim)
    return result.half() if x.dtype == torch.float16 else result


@torch.fx.wrap
def product_over_axes(x: Tensor, axes: tuple[int, ...], keepdim: bool = False) -> Tensor:
    """Multiply over several axes.

    Args:
        x: A tensor of any shape.
        axes: The axes that are multiplied over.
        keepdim: Whether they stay, with an extent of 1.

    Returns:
        The products.
    """
    wide = x.float() if x.dtype == torch.float16 else x
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        wide = wide.prod(axis, keepdim=keepdim)
    return wide.half() if x.dtype == torch.float16 else wide


def nearest_quantile(
    x: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False
) -> Tensor:
    """Return the element nearest to a quantile, of two equally near ones the higher.

    Args:
        x: A tensor of float32 or float64.
        q: The quantile, or a vector of quantiles, from 0 to 1.
        dim: The axis; None for all elements.
        keepdim: Whether the axis stays, with an extent of 1.

    Returns:
        The elements, for a vector along a new first axis.
    """
    last = (x.numel() if dim is None else x.shape[dim]) - 1
    q = torch.floor(torch.as_tensor(q, dtype=torch.float64, device=x.device) * last + 0.5) / max(
        last, 1
    )
    return torch.quantile(x, q.to(x.dtype), dim, keepdim, interpolation="nearest")


def half_variance(
    x: Tensor,
    axes: list[int] | None,
    dtype: torch.dtype,
    keepdim: bool = False,
    correction: int = 0,
) -> Tensor:
    """Return the variance in a wider dtype, of squares that are rounded to half precision.

    Args:
        x: A tensor of half precision.
        axes: The axes that are reduced; None for all.
        dtype: The dtype of the result.
        keepdim: Whether the axes are kept with one element.
        correction: The number that is subtracted from the number of elements.

    Returns:
        The sum of the squares, divided by the number of elements less the correction.
    """
    total = x.sum(dim=axes, keepdim=True, dtype=torch.float32).half()
    count = x.numel() // total.numel()
    difference = x - total / torch.full_like(total, count)
    squares = (difference * difference).to(dtype)
    return squares.sum(dim=axes, keepdim=keepdim) / (count - correction)
