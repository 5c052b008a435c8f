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


def resize_nearest(image: Tensor, size: list[int]) -> Tensor:
    """Take for each pixel the one of the same place, rounded down.

    Args:
        image: Images (..., H, W, C).
        size: Height and width of the result, in pixels.

    Returns:
        Images (..., height, width, C).
    """
    rows = torch.arange(size[0], dtype=torch.float64, device=image.device)
    columns = torch.arange(size[1], dtype=torch.float64, device=image.device)
    height, width = image.shape[-3:-1]
    rows = (rows * (1 / (size[0] / height))).long().clamp(max=height - 1)
    columns = (columns * (1 / (size[1] / width))).long().clamp(max=width - 1)
    return image.index_select(-3, rows).index_select(-2, columns)


@torch.fx.wrap
def resize_image(image: Tensor, size: list[int]) -> Tensor:
    """Interpolate between the centres of pixels; of bytes in fixed point.

    Args:
        image: Images (H, W, C) or (N, H, W, C).
        size: Height and width of the result, in pixels.

    Returns:
        Images of that size, in the same dtype.
    """
    if image.dtype == torch.uint8:
        return resize_bytes(image, size)
    maps = image.movedim(-1, -3).reshape((-1, image.shape[-1]) + image.shape[-3:-1])
    maps = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    return maps.movedim(1, -1).reshape(image.shape[:-3] + maps.shape[2:] + image.shape[-1:])


@torch.fx.wrap
def resize_bicubic(image: Tensor, size: list[int]) -> Tensor:
    """Interpolate by cubic polynomials through four rows and columns.

    Args:
        image: Images (H, W, C) or (N, H, W, C), floating point.
        size: Height and width of the result, in pixels.

    Returns:
        Images of that size.
    """
    if not image.is_floating_point():
        raise TypeError("the rounding of bicubic interpolation of integers is not defined")
    maps = image.movedim(-1, -3).reshape((-1, image.shape[-1]) + image.shape[-3:-1])
    maps = F.interpolate(maps, size=size, mode="bicubic", align_corners=False)
    return maps.movedim(1, -1).reshape(image.shape[:-3] + maps.shape[2:] + image.shape[-1:])


def resize_bytes(image: Tensor, size: list[int]) -> Tensor:
    """Interpolate bytes with weights of 11 bits; half an image is the mean of four pixels.

    Args:
        image: Images (..., H, W, C) of bytes.
        size: Height and width of the result, in pixels.

    Returns:
        Images (..., height, width, C) of bytes.
    """
    height, width, channels = image.shape[-3:]
    x = image.int()
    if height == 2 * size[0] and width == 2 * size[1]:
        rows = x[..., ::2, :, :] + x[..., 1::2, :, :]
        total = rows[..., ::2, :] + rows[..., 1::2, :]
        up = (total + 2) >> 2
        return (up if channels in (1, 3, 4) else (total / 4).round()).to(torch.uint8)
    left, right, share = byte_weights(width, size[1], x.device)
    share = share[:, None]
    x = x.index_select(-2, left) * (2048 - share) + x.index_select(-2, right) * share >> 4
    top, bottom, share = byte_weights(height, size[0], x.device)
    share = share[:, None, None]
    upper = x.index_select(-3, top) * (2048 - share) >> 16
    lower = x.index_select(-3, bottom) * share >> 16
    return (upper + lower + 2 >> 2).to(torch.uint8)


def byte_weights(extent: int, size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two positions next to each sample, and the weight of the second in 1/2048.

    Args:
        extent: The extent of the axis.
        size: The number of samples.
        device: The device of the result.

    Returns:
        Positions and weights (size,).
    """
    step = torch.arange(size, dtype=torch.float64, device=device) + 0.5
    place = (step * (1 / (size / extent)) - 0.5).float()
    low = place.floor()
    share = ((place - low) * 2048).round().int()
    low = low.long()
    return low.clamp(0, extent - 1), (low + 1).clamp(0, extent - 1), share
