"""Sampling positions of image warping."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def affine_grid(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Map the positions of an image by affine maps (N, 6) to (N, 2, *size).

    Args:
        x: Affine maps (N, 6), rows of 2 x 3 matrices.
        size: The rows and columns of the result.

    Returns:
        Positions x and y from -1 to 1, (N, 2, *size).
    """
    grid = F.affine_grid(x.reshape(-1, 2, 3), [x.shape[0], 1, *size], align_corners=True)
    return grid.permute(0, 3, 1, 2)


def flow_grid(flow: Tensor) -> Tensor:
    """Convert displacements (N, 2, H, W) in pixels to positions from -1 to 1, corner to corner.

    Args:
        flow: Displacements x and y in pixels, (N, 2, H, W).

    Returns:
        Positions x and y, (N, 2, H, W).
    """
    height, width = flow.shape[2:]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype).expand(height, width)
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None].expand(height, width)
    x = (flow[:, 0] + columns) / ((width - 1) / 2) - 1
    y = (flow[:, 1] + rows) / ((height - 1) / 2) - 1
    return torch.stack((x, y), dim=1)


def correlation(
    x: Tensor,
    other: Tensor,
    kernel_size: int = 1,
    max_displacement: int = 1,
    stride: int = 1,
    displacement_stride: int = 1,
    padding: int = 0,
    difference: bool = False,
) -> Tensor:
    """Compare windows of a map with displaced ones of another, a channel for each displacement.

    Args:
        x: Feature maps (N, C, H, W).
        other: Feature maps of the same shape.
        kernel_size: The side of a window, in positions.
        max_displacement: The largest displacement, in positions.
        stride: The distance of windows.
        displacement_stride: The distance of displacements.
        padding: The zeros added on each side.
        difference: Whether absolute differences are compared instead of products.

    Returns:
        Means over channels and windows, (N, displacements, rows, columns).
    """
    far = max_displacement
    x, other = F.pad(x, (padding,) * 4), F.pad(other, (padding,) * 4)
    height, width = x.shape[2] - 2 * far, x.shape[3] - 2 * far
    x = x[:, :, far : far + height, far : far + width]
    steps = range(far % displacement_stride, 2 * far + 1, displacement_stride)
    maps = []
    for row in steps:
        for column in steps:
            moved = other[:, :, row : row + height, column : column + width]
            likeness = (x - moved).abs() if difference else x * moved
            maps.append(likeness.mean(1))
    return F.avg_pool2d(torch.stack(maps, dim=1), kernel_size, stride)
