"""Resizing of images with channels last."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


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
    height, width = image.shape[-3:-1]
    if image.dtype == torch.uint8:
        if height == 2 * size[0] and width == 2 * size[1]:
            return pixel_means(image, size)
        rows, down = sample_places(height, size[0], 2, image.device)
        columns, across = sample_places(width, size[1], 2, image.device)
        return blend_bytes(image, rows, linear_weights(down), columns, linear_weights(across))
    return interpolate_floats(image, size, "bilinear")


@torch.fx.wrap
def resize_bicubic(image: Tensor, size: list[int]) -> Tensor:
    """Interpolate by cubic polynomials through four rows and columns; bytes with 11-bit weights.

    Args:
        image: Images (H, W, C) or (N, H, W, C).
        size: Height and width of the result, in pixels.

    Returns:
        Images of that size, in the same dtype.
    """
    height, width = image.shape[-3:-1]
    if image.dtype == torch.uint8:
        rows, down = sample_places(height, size[0], 4, image.device)
        columns, across = sample_places(width, size[1], 4, image.device)
        return convolve_bytes(image, rows, cubic_weights(down), columns, cubic_weights(across))
    return interpolate_floats(image, size, "bicubic")


def interpolate_floats(image: Tensor, size: list[int], mode: str) -> Tensor:
    """Interpolate between the centres of pixels, as torch does it.

    Args:
        image: Images (..., H, W, C) of floating point.
        size: Height and width of the result, in pixels.
        mode: The mode of ``F.interpolate``.

    Returns:
        Images (..., height, width, C) in the same dtype.
    """
    height, width, channels = image.shape[-3:]
    maps = image.movedim(-1, -3).reshape(-1, channels, height, width)
    maps = F.interpolate(maps, size=size, mode=mode, align_corners=False)
    return maps.movedim(1, -1).reshape(image.shape[:-3] + maps.shape[2:] + image.shape[-1:])


@torch.fx.wrap
def resize_lanczos(image: Tensor, size: list[int]) -> Tensor:
    """Interpolate by the Lanczos kernel over eight rows and columns; bytes with weights of 11 bits.

    Args:
        image: Images (..., H, W, C).
        size: Height and width of the result, in pixels.

    Returns:
        Images (..., height, width, C) in the same dtype.
    """
    rows, down = sample_places(image.shape[-3], size[0], 8, image.device)
    columns, across = sample_places(image.shape[-2], size[1], 8, image.device)
    down, across = lanczos_weights(down), lanczos_weights(across)
    if image.dtype == torch.uint8:
        return convolve_bytes(image, rows, down, columns, across)
    sums = weighted_sum(image, -2, columns, across.to(image.dtype))
    return weighted_sum(sums, -3, rows, down.to(image.dtype))


@torch.fx.wrap
def resize_area(image: Tensor, size: list[int]) -> Tensor:
    """Average the pixels below each new one; along an axis that grows, interpolate instead.

    Args:
        image: Images (..., H, W, C).
        size: Height and width of the result, in pixels.

    Returns:
        Images (..., height, width, C) in the same dtype.
    """
    height, width = image.shape[-3:-1]
    is_bytes = image.dtype == torch.uint8
    down, across = 1 / (size[0] / height), 1 / (size[1] / width)
    if down < 1 or across < 1:
        rows, down_weights = area_between(height, size[0], image.device)
        columns, across_weights = area_between(width, size[1], image.device)
        if is_bytes:
            return blend_bytes(image, rows, down_weights, columns, across_weights)
    elif max(abs(down - round(down)), abs(across - round(across))) < 2**-52:
        return pixel_means(image, size)
    else:
        rows, down_weights = area_weights(height, size[0], image.device)
        columns, across_weights = area_weights(width, size[1], image.device)
    x = image.float() if is_bytes else image
    x = weighted_sum(x, -2, columns, across_weights.to(x.dtype))
    x = weighted_sum(x, -3, rows, down_weights.to(x.dtype))
    return x.round().clamp(0, 255).to(image.dtype) if is_bytes else x


def pixel_means(image: Tensor, size: list[int]) -> Tensor:
    """Average rectangles of whole pixels; of bytes halves go up in squares of four, else to even.

    Args:
        image: Images (..., H, W, C), with a multiple of the height and width of the result.
        size: Height and width of the result, in pixels.

    Returns:
        Images (..., height, width, C) in the same dtype.
    """
    height, width, channels = image.shape[-3:]
    rows, columns = height // size[0], width // size[1]
    is_bytes = image.dtype == torch.uint8
    x = image.int() if is_bytes else image
    squares = x.reshape(image.shape[:-3] + (size[0], rows, size[1], columns, channels))
    total = squares.sum((-4, -2))
    if not is_bytes:
        return total / (rows * columns)
    if rows == 2 and columns == 2 and channels in (1, 3, 4):
        return (total + 2 >> 2).to(torch.uint8)
    return (total.float() * (1 / (rows * columns))).round().to(torch.uint8)


def weighted_sum(x: Tensor, dim: int, index: Tensor, weights: Tensor) -> Tensor:
    """Sum weighted pixels along an axis, one after the other.

    Args:
        x: A tensor of the dtype of the weights.
        dim: The axis, counted from the last one.
        index: Positions along the axis (samples, pixels of a sample).
        weights: Weights of the same shape.

    Returns:
        A tensor with as many positions along the axis as there are samples.
    """
    shape = [-1] + [1] * (-1 - dim)
    total = x.index_select(dim, index[:, 0]) * weights[:, 0].reshape(shape)
    for k in range(1, index.shape[1]):
        total = total + x.index_select(dim, index[:, k]) * weights[:, k].reshape(shape)
    return total


def blend_bytes(
    image: Tensor, rows: Tensor, down: Tensor, columns: Tensor, across: Tensor
) -> Tensor:
    """Interpolate bytes between two rows and columns with 11-bit weights; sums lose last bits.

    Args:
        image: Images (..., H, W, C) of bytes.
        rows: The two rows of each sample (height, 2).
        down: Their weights (height, 2), whose sum is 1.
        columns: The two columns of each sample (width, 2).
        across: Their weights (width, 2).

    Returns:
        Images (..., height, width, C) of bytes.
    """
    sums = weighted_sum(image.int(), -2, columns, (across * 2048).round().int()) >> 4
    weights = (down * 2048).round().int()[..., None, None]
    upper = sums.index_select(-3, rows[:, 0]) * weights[:, 0] >> 16
    lower = sums.index_select(-3, rows[:, 1]) * weights[:, 1] >> 16
    return (upper + lower + 2 >> 2).to(torch.uint8)


def convolve_bytes(
    image: Tensor, rows: Tensor, down: Tensor, columns: Tensor, across: Tensor
) -> Tensor:
    """Interpolate bytes by several rows and columns, with weights of 11 bits.

    Of four rows OpenCV adds eight numbers at once in single precision, and the rest in integers.

    Args:
        image: Images (..., H, W, C) of bytes.
        rows: The rows of each sample (height, rows of a sample).
        down: Their weights, of the same shape.
        columns: The columns of each sample (width, columns of a sample).
        across: Their weights, of the same shape.

    Returns:
        Images (..., height, width, C) of bytes.
    """
    sums = weighted_sum(image.int(), -2, columns, (across * 2048).round().int())
    weights = (down * 2048).round().int()
    flat = sums.flatten(-2)
    result = weighted_sum(flat, -2, rows, weights) + 2**21 >> 22
    if rows.shape[1] == 4:
        single = weighted_sum(flat.float(), -2, rows, weights.float() / 2**22).round().int()
        whole = flat.shape[-1] // 8 * 8
        result = torch.cat([single[..., :whole], result[..., whole:]], -1)
    return result.clamp(0, 255).to(torch.uint8).reshape(sums.shape[:-3] + (-1,) + sums.shape[-2:])


def sample_places(
    extent: int, size: int, count: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the pixels around each sample, and its place between the two in the middle.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples.
        count: The number of pixels of a sample, which are even.
        device: The device of the result.

    Returns:
        Positions (size, count), at the border those of its pixel, and distances from the pixel
        before the sample (size,), in pixels.
    """
    step = torch.arange(size, dtype=torch.float64, device=device) + 0.5
    place = (step * (1 / (size / extent)) - 0.5).float()
    low = place.floor()
    around = torch.arange(1 - count // 2, 1 + count // 2, device=device)
    return (low.long()[:, None] + around).clamp(0, extent - 1), place - low


def linear_weights(share: Tensor) -> Tensor:
    """Return the weights of two neighbours.

    Args:
        share: The distance from the first one (samples,).

    Returns:
        Weights (samples, 2).
    """
    return torch.stack([1 - share, share], -1)


def cubic_weights(share: Tensor) -> Tensor:
    """Return the weights of the cubic convolution with a = -0.75 for four neighbours.

    Args:
        share: The distance from the second one (samples,).

    Returns:
        Weights (samples, 4).
    """
    x, y = share + 1, 1 - share
    first = ((-0.75 * x + 3.75) * x - 6) * x + 3
    second = (1.25 * share - 2.25) * share * share + 1
    third = (1.25 * y - 2.25) * y * y + 1
    return torch.stack([first, second, third, 1 - first - second - third], -1)


def lanczos_weights(share: Tensor) -> Tensor:
    """Return the weights of the Lanczos kernel for eight neighbours.

    Args:
        share: The distance from the fourth one (samples,).

    Returns:
        Weights (samples, 8), whose sum is 1.
    """
    s = 0.5**0.5
    phases = [[1, -s, 0, s, -1, s, 0, -s], [0, -s, 1, -s, 0, s, -1, s]]
    sines, cosines = torch.tensor(phases, dtype=torch.float64, device=share.device).unbind()
    place = share[:, None] + 3 - torch.arange(8, device=share.device)
    angle = -place.double() * math.pi * 0.25
    first = angle[:, :1]
    weights = ((sines * first.sin() + cosines * first.cos()) / angle**2).float()
    total = weights[:, 0]
    for k in range(1, 8):
        total = total + weights[:, k]
    middle = torch.arange(8, device=share.device) == 3
    return torch.where(share[:, None] < 2**-23, middle.float(), weights * (1 / total)[:, None])


def area_weights(extent: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pixels below each sample of an axis that becomes shorter, and the shares of them.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples, at most ``extent``.
        device: The device of the result.

    Returns:
        Positions and weights (size, the most pixels of a sample); missing pixels have the weight 0.
    """
    scale = 1 / (size / extent)
    start = torch.arange(size, dtype=torch.float64, device=device)[:, None] * scale
    end = start + scale
    cell = (extent - start).clamp(max=scale)
    last = end.floor().clamp(max=extent - 1)
    first = torch.minimum(start.ceil(), last)
    index = first - 1 + torch.arange(int(scale) + 3, device=device)
    before, after = first - start, torch.minimum(end - last, cell).clamp(max=1)
    before, after = before * (before > 1e-3), after * (end - last > 1e-3)
    share = torch.where(index < first, before, (index < last).double())
    share = torch.where(index == last, after, share) / cell
    return index.clamp(0, extent - 1).long(), share.float()


def area_between(extent: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return two neighbours of each sample where an image grows: most samples lie within one pixel.

    Args:
        extent: The extent of the axis, in pixels.
        size: The number of samples.
        device: The device of the result.

    Returns:
        Positions and weights (size, 2).
    """
    step = torch.arange(size, dtype=torch.float64, device=device)
    low = (step * (1 / (size / extent))).floor()
    share = ((step + 1) - (low + 1) * (size / extent)).float()
    share = torch.where(share <= 0, torch.zeros_like(share), share - share.floor())
    index = low.long()[:, None] + torch.arange(2, device=device)
    return index.clamp(0, extent - 1), linear_weights(share)
