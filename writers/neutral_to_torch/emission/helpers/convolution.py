"""Convolutions that torch has no layer for."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transpose_to_size(layer: Any, x: Tensor, size: list[int]) -> Tensor:
    """Crop a transposed convolution evenly to ``size``; an odd surplus is cut at the front.

    Args:
        layer: A transposed convolution of 1 to 3 dimensions; only its weights and numbers are used.
        x: The input (N, C, *spatial).
        size: The spatial extents of the result.

    Returns:
        A tensor (N, out_channels, *size).
    """
    window = layer.stride, layer.dilation, layer.groups
    return conv_transpose_to_size(x, layer.weight, layer.bias, size, *window)


def conv_transpose_to_size(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    size: list[int],
    stride: list[int],
    dilation: list[int],
    groups: int,
) -> Tensor:
    """Convolve transposed and crop evenly to ``size``; an odd surplus is cut at the front.

    Args:
        x: The input (N, C, *spatial).
        weight: The kernel (C, out_channels / groups, *kernel).
        bias: The numbers (out_channels,) that are added, if any.
        size: The spatial extents of the result.
        stride: The distances of positions, in pixels.
        dilation: The distances of taps, in pixels.
        groups: The number of groups of channels that are convolved by themselves.

    Returns:
        A tensor (N, out_channels, *size).
    """
    surplus = [
        s * (n - 1) + d * (k - 1) + 1 - out
        for n, s, d, k, out in zip(x.shape[2:], stride, dilation, weight.shape[2:], size)
    ]
    padding, output_padding = [(t + 1) // 2 for t in surplus], [t % 2 for t in surplus]
    functions = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
    transposed = functions[len(size)]
    return transposed(x, weight, bias, stride, padding, output_padding, groups, dilation)


class DeformableConv2d(nn.Conv2d):
    """Convolve with taps that are moved by offsets, and multiplied by a mask if there is one.

    Args:
        in_channels: The channels of the input.
        out_channels: The channels of the result.
        kernel_size: The extents of the kernel, in pixels.
        stride: The distances of positions, in pixels.
        padding: The zeros added at both ends of each axis.
        dilation: The distances of taps, in pixels.
        groups: The number of groups of channels that are convolved by themselves.
        bias: Whether a number is added to each channel.
        deformable_groups: The number of groups of channels with offsets of their own.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        deformable_groups: int = 1,
    ) -> None:
        window = stride, padding, dilation, groups, bias
        super().__init__(in_channels, out_channels, kernel_size, *window)
        self.deformable_groups = deformable_groups

    def forward(  # type: ignore[override]
        self, input: Tensor, offset: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Convolve a batch of images.

        Args:
            input: Images (N, in_channels, H, W).
            offset: Offsets (N, deformable_groups * 2 * taps, rows, columns) in pixels.
            mask: Factors of the taps (N, deformable_groups * taps, rows, columns), if any.

        Returns:
            A tensor (N, out_channels, rows, columns).
        """
        window = self.stride, self.padding, self.dilation, self.groups, self.deformable_groups
        return deform_conv2d(input, self.weight, self.bias, offset, mask, *window)  # type: ignore[arg-type]


def deform_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    offset: Tensor,
    mask: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    deformable_groups: int,
) -> Tensor:
    """Convolve with taps that are moved by offsets, as ``DeformableConv2d`` does.

    With a mask, zeros beyond the image blend with its border; without one its last row and column
    reach to where the next would be.

    Args:
        input: Images (N, C, H, W).
        weight: The kernel (out_channels, C / groups, *kernel).
        bias: The numbers (out_channels,) that are added, if any.
        offset: Offsets (N, deformable_groups * 2 * taps, rows, columns) in pixels.
        mask: Factors of the taps (N, deformable_groups * taps, rows, columns), if any.
        stride: The distances of positions, in pixels.
        padding: The zeros added at both ends of each axis.
        dilation: The distances of taps, in pixels.
        groups: The number of groups of channels that are convolved by themselves.
        deformable_groups: The number of groups of channels with offsets of their own.

    Returns:
        A tensor (N, out_channels, rows, columns).
    """
    height, width = offset.shape[2:]
    rows, columns = weight.shape[2:]
    moved = offset.unflatten(1, (deformable_groups, -1, 2))
    tap = torch.arange(rows * columns, device=offset.device)[:, None, None]
    down = torch.arange(height, device=offset.device)[:, None] * stride[0] - padding[0]
    across = torch.arange(width, device=offset.device) * stride[1] - padding[1]
    y = moved[:, :, :, 0] + (tap // columns * dilation[0] + down)
    x = moved[:, :, :, 1] + (tap % columns * dilation[1] + across)
    taps = sample_taps(input.unflatten(1, (deformable_groups, -1)), y, x, mask is not None)
    if mask is not None:
        taps = taps * mask.unflatten(1, (deformable_groups, 1, -1))
    taps = taps.reshape(input.shape[0], groups, -1, height * width)
    kernel = weight.reshape(groups, weight.shape[0] // groups, -1)
    result = (kernel @ taps).reshape(input.shape[0], -1, height, width)
    return result if bias is None else result + bias[:, None, None]


def sample_taps(image: Tensor, y: Tensor, x: Tensor, beyond: bool) -> Tensor:
    """Sample (N, groups, channels, H, W) bilinearly at (N, groups, taps, rows, columns).

    Args:
        image: Images (N, groups, channels, H, W).
        y: Vertical places in pixels (N, groups, taps, rows, columns).
        x: Horizontal places in pixels, of the same shape.
        beyond: Whether the border blends with the zeros outside of the image; else its last row
            and column reach to the next pixel.

    Returns:
        Values (N, groups, channels, taps, rows, columns).
    """
    height, width = image.shape[3:]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    if beyond:
        inside = torch.ones_like(inside)
    else:
        y, x = y.clamp(max=height - 1), x.clamp(max=width - 1)
    pixels, channels = image.flatten(3), image.shape[2]
    total = torch.zeros_like(image[:, :, :, :1, :1, None])
    columns = [(column, column.clamp(0, width - 1)) for column in (x.floor(), x.floor() + 1)]
    for row in (y.floor(), y.floor() + 1):
        row_inside = row.clamp(0, height - 1)
        for column, column_inside in columns:
            weight = (1 - (y - row).abs()) * (1 - (x - column).abs())
            present = inside & (row == row_inside) & (column == column_inside)
            place = row_inside * width + column_inside
            place = place.long().flatten(2)[:, :, None].expand(-1, -1, channels, -1)
            values = pixels.gather(3, place).unflatten(3, y.shape[2:])
            total = total + values * torch.where(present, weight, 0)[:, :, None]
    return total
