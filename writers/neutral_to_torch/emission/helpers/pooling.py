"""Pooling with windows that torch's layers do not have."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.fx.wrap
def pad_windows(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    rounding: str,
    value: float,
    outside: float,
) -> Tensor:
    """Add ``padding`` of ``value``, and of ``outside`` what the last windows need to be whole.

    Args:
        x: A tensor (N, C, *spatial).
        kernel: The extents of a window.
        stride: The distances of windows.
        padding: The positions added at both ends of each axis.
        rounding: ``"down"`` for whole windows alone, ``"up"`` for a last partial one, ``"same"``
            for a window at each multiple of the stride.
        value: The value of the padding.
        outside: The value of what completes the last windows.

    Returns:
        The padded tensor (N, C, *padded).
    """
    around: list[int] = []
    behind: list[int] = []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, padding):
        if rounding == "same":
            extra = (size - 1) // s * s + k - size
        else:
            extra = -(size + 2 * p - k) % s if rounding == "up" else 0
        around = [p, p, *around]
        behind = [0, extra, *behind]
    x = F.pad(x, around, value=value)
    return F.pad(x, behind, value=outside) if rounding != "down" else x


def max_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    rounding: str,
) -> Tensor:
    """Return the maxima of windows; a window without input gives the lowest number.

    Args:
        x: A tensor (N, C, *spatial), floating point.
        kernel: The extents of a window.
        stride: The distances of windows.
        padding: The positions added at both ends of each axis.
        rounding: ``"down"``, ``"up"`` or ``"same"``; see :func:`pad_windows`.

    Returns:
        A tensor (N, C, *windows).
    """
    lowest = torch.finfo(x.dtype).min
    x = pad_windows(x, kernel, stride, padding, rounding, lowest, lowest)
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    return pool(x, kernel, stride)


def sum_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    rounding: str,
) -> Tensor:
    """Return the sums of windows.

    Args:
        x: A tensor (N, C, *spatial), floating point.
        kernel: The extents of a window.
        stride: The distances of windows.
        padding: The positions added at both ends of each axis.
        rounding: ``"down"``, ``"up"`` or ``"same"``; see :func:`pad_windows`.

    Returns:
        A tensor (N, C, *windows).
    """
    x = pad_windows(x, kernel, stride, padding, rounding, 0.0, 0.0)
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    return pool(x, kernel, stride) * math.prod(kernel)


def average_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    rounding: str,
    divisor: str,
) -> Tensor:
    """Average windows over all positions ("kernel"), or those in the (padded) input alone.

    Args:
        x: A tensor (N, C, *spatial), floating point.
        kernel: The extents of a window.
        stride: The distances of windows.
        padding: The positions added at both ends of each axis.
        rounding: ``"down"``, ``"up"`` or ``"same"``; see :func:`pad_windows`.
        divisor: What a sum is divided by: ``"kernel"``, all positions of the window;
            ``"padded_input"``, those in the input or its padding; ``"input"``, those in the input.

    Returns:
        A tensor (N, C, *windows).
    """
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    means = pool(pad_windows(x, kernel, stride, padding, rounding, 0.0, 0.0), kernel, stride)
    if divisor == "kernel":
        return means
    counted = 1.0 if divisor == "padded_input" else 0.0
    ones = pad_windows(torch.ones_like(x[:1, :1]), kernel, stride, padding, rounding, counted, 0.0)
    shares = pool(ones, kernel, stride)
    return means / torch.where(shares > 0, shares, 1.0)


def spatial_reduction(x: Tensor, reduction: str, first: int) -> Tensor:
    """Reduce the axes from ``first`` on by mean, amax or sum, and keep them.

    Args:
        x: A tensor of at least three axes.
        reduction: The name of a function of torch: ``"mean"``, ``"amax"`` or ``"sum"``.
        first: The first axis that is reduced: 2 with channels first, 1 with channels last.

    Returns:
        A tensor of the same rank, with an extent of 1 along the reduced axes.
    """
    axes = tuple(range(first, first + x.dim() - 2))
    return getattr(torch, reduction)(x, axes, keepdim=True)
