"""Resizing that torch has no function for."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.fx.wrap
def resize_bilinear(x: Tensor, size: list[int]) -> Tensor:
    """Interpolate between the centres of pixels; an output of one row or column is the first.

    Args:
        x: Images (N, C, H, W).
        size: Height and width of the result, in pixels.

    Returns:
        Images (N, C, height, width).
    """
    height, width = size
    if height == 1:
        x = x[:, :, :1]
    if width == 1:
        x = x[:, :, :, :1]
    return F.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)


def single(number: float) -> float:
    """Round a number to single precision, by its upper 24 bits.

    Args:
        number: A number in double precision.

    Returns:
        The nearest number with 24 significant bits.
    """
    shifted = number * (2**29 + 1)
    return shifted - (shifted - number)


def scaled(extent: int, scale: float) -> int:
    """Scale an extent in single precision, and cut off the fraction.

    Args:
        extent: The extent, in pixels.
        scale: The factor.

    Returns:
        The scaled extent, in pixels.
    """
    return math.trunc(single(torch.sym_float(extent) * single(scale)))


def odd_scaled(extent: int, scale: float) -> int:
    """Scale an extent; an odd one without its last position.

    Args:
        extent: The extent, in pixels.
        scale: The factor.

    Returns:
        The scaled extent, in pixels.
    """
    odd = extent % 2
    return scaled(extent - odd, scale) + odd


def normalize(x: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Subtract the mean of each channel and divide by its deviation.

    Args:
        x: Images (..., C, H, W).
        mean: The mean of each channel, or one for all.
        std: The deviation of each channel, or one for all.

    Returns:
        Images of the same shape.
    """
    center = torch.tensor(mean, dtype=x.dtype, device=x.device)[:, None, None]
    return (x - center) / torch.tensor(std, dtype=x.dtype, device=x.device)[:, None, None]


def extents_of_side(image: Tensor, side: int) -> list[int]:
    """Return height and width of an image whose shorter extent becomes ``side``, in proportion.

    Args:
        image: Images (..., H, W, C).
        side: The shorter extent, in pixels.

    Returns:
        The extents, in pixels.
    """
    height, width = image.shape[-3:-1]
    return [max(side, height * side // width), max(side, width * side // height)]


@torch.fx.wrap
def crop_within(image: Tensor, x: Tensor, y: Tensor, width: int, height: int) -> Tensor:
    """Cut out a rectangle; one that is larger than the image becomes smaller.

    Args:
        image: Images (..., H, W, C).
        x: The place between the leftmost rectangle, 0, and the rightmost one, 1; one number.
        y: The place between the uppermost rectangle, 0, and the lowest one, 1; one number.
        width: The width of the rectangle, in pixels.
        height: The height of the rectangle, in pixels.

    Returns:
        Images (..., height, width, C).
    """
    rows, columns = image.shape[-3:-1]
    if height > rows:
        width, height = width * rows // height, rows
    width = min(width, columns)
    left = (x * (columns - width)).long() + torch.arange(width, device=image.device)
    top = (y * (rows - height)).long() + torch.arange(height, device=image.device)
    return image.index_select(-3, top).index_select(-2, left)
