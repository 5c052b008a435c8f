"""Pooling over the bins of regions that have channels of their own, or are turned."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from neutral_to_torch.emission.helpers.regions import round_half_away


def pixel_corners(regions: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return begin and extent (regions, 2), x and y, of whole-pixel regions, and their images.

    Args:
        regions: Rows (image, x1, y1, x2, y2) in pixels of the image, (regions, 5).
        scale: Positions of the feature map per pixel of the image.

    Returns:
        Begin and extent in positions of the map, (regions, 2) each, and image numbers (regions,).
    """
    corners = round_half_away(regions[:, 1:].float())
    begin, end = corners[:, :2] * scale, (corners[:, 2:] + 1) * scale
    return begin, (end - begin).clamp(min=0.1), regions[:, 0].long()


def position_sensitive_roi_pool(
    x: Tensor, regions: Tensor, channels: int, size: int, groups: int, scale: float
) -> Tensor:
    """Average the bins of regions (image, x1, y1, x2, y2), each over channels of its own.

    Args:
        x: Feature maps (N, at least channels * groups², H, W).
        regions: Rows (image, x1, y1, x2, y2) in pixels of the image, (regions, 5).
        channels: The number of channels of the result.
        size: The number of bins along each side.
        groups: The number of groups of channels along each side.
        scale: Positions of the feature map per pixel of the image.

    Returns:
        Means (regions, channels, size, size); 0 for empty bins.
    """
    begin, extent, image = pixel_corners(regions, scale)
    step = torch.arange(size + 1, device=x.device)
    edges = step * (extent / size)[..., None] + begin[..., None]
    low, high = edges[..., :-1].floor().long(), edges[..., 1:].ceil().long()
    height, width = x.shape[2:]
    left, right = low[:, 0, None].clamp(0, width), high[:, 0, None].clamp(0, width)
    top, bottom = low[:, 1, :, None].clamp(0, height), high[:, 1, :, None].clamp(0, height)

    # sums of everything above and left of a position; their differences need double precision
    sums = F.pad(x[:, : channels * groups**2].double(), (1, 0, 1, 0)).cumsum(2).cumsum(3)
    sums = sums.unflatten(1, (channels, groups, groups))
    image = image[:, None, None]
    group = step[:-1] * groups // size
    areas = [
        sums[image, :, group[:, None], group, row, column]
        for row in (bottom, top)
        for column in (right, left)
    ]
    total = areas[0] - areas[1] - areas[2] + areas[3]
    count = ((bottom - top).clamp(min=0) * (right - left).clamp(min=0))[..., None]
    mean = torch.where(count > 0, total / count.clamp(min=1), 0)
    return mean.permute(0, 3, 1, 2).to(x.dtype)


def deformable_roi_pool(
    x: Tensor,
    regions: Tensor,
    offsets: Tensor | None,
    output_channels: int,
    output_size: int,
    group_size: int,
    part_size: int,
    samples: int = 1,
    spatial_scale: float = 1.0,
    offset_scale: float = 0.0,
) -> Tensor:
    """Average samples of the bins of regions, moved by offsets, over channels of each bin's own.

    Args:
        x: Feature maps (N, at least output_channels * group_size², H, W).
        regions: Rows (image, x1, y1, x2, y2) in pixels of the image, (regions, 5).
        offsets: Moves (regions, 2 * classes, part_size, part_size), in turn x and y; None for none.
        output_channels: The number of channels of the result, a multiple of the classes.
        output_size: The number of bins along each side.
        group_size: The number of groups of channels along each side.
        part_size: The number of offsets along each side.
        samples: The number of samples of a bin along each side.
        spatial_scale: Positions of the feature map per pixel of the image.
        offset_scale: The factor of the offsets, which are relative to a region's extent.

    Returns:
        Means (regions, output_channels, output_size, output_size).
    """
    begin, extent, image = pixel_corners(regions, spatial_scale)
    begin, extent = (begin - 0.5)[:, :, None, None, None], extent[:, :, None, None, None]
    bins = torch.arange(output_size, device=x.device)
    left = bins * (extent[:, 0] / output_size) + begin[:, 0]  # (regions, 1, 1, columns)
    top = bins[:, None] * (extent[:, 1] / output_size) + begin[:, 1]
    classes = 1
    if offsets is not None:
        classes = offsets.shape[1] // 2
        part = (bins.float() / output_size * part_size).floor().long()
        moves = offsets[:, :, part[:, None], part].float() * offset_scale
        left, top = left + moves[:, 0::2] * extent[:, 0], top + moves[:, 1::2] * extent[:, 1]
    step = torch.arange(samples, device=x.device)
    across = left[..., None, None] + step * (extent[:, 0] / output_size / samples)[..., None, None]
    down = extent[:, 1] / output_size / samples
    down = top[..., None, None] + step[:, None] * down[..., None, None]

    height, width = x.shape[2:]
    inside = (across >= -0.5) & (across <= width - 0.5) & (down >= -0.5) & (down <= height - 0.5)
    maps = x[:, : output_channels * group_size**2]
    maps = maps.unflatten(1, (classes, output_channels // classes, group_size, group_size))
    group = bins * group_size // output_size
    index = (
        image[:, None, None, None, None, None],
        torch.arange(classes, device=x.device)[:, None, None, None, None],
        slice(None),
        group[:, None, None, None],
        group[:, None, None],
    )
    values = torch.where(inside[..., None], bilinear_values(maps, index, down, across), 0)
    count = inside.sum((4, 5)).clamp(min=1)[..., None]
    return (values.sum((4, 5)) / count).permute(0, 1, 4, 2, 3).flatten(1, 2).to(x.dtype)


def bilinear_values(maps: Tensor, index: tuple[Any, ...], row: Tensor, column: Tensor) -> Tensor:
    """Interpolate ``maps[index]`` (..., H, W) at positions; outside take the border.

    Args:
        maps: Feature maps, whose last two axes are rows and columns.
        index: The index of the leading axes; with the positions it broadcasts.
        row: Vertical positions, in pixels.
        column: Horizontal positions, in pixels.

    Returns:
        Values at the positions.
    """
    height, width = maps.shape[-2:]
    row, column = row.clamp(0, height - 1), column.clamp(0, width - 1)
    top, left = row.floor().long(), column.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = (row - top)[..., None], (column - left)[..., None]
    above = maps[index + (top, left)] * (1 - across) + maps[index + (top, right)] * across
    below = maps[index + (bottom, left)] * (1 - across) + maps[index + (bottom, right)] * across
    return above * (1 - down) + below * down


def rotated_roi_align(
    x: Tensor, regions: Tensor, size: tuple[int, int], scale: float, samples: int = 0
) -> Tensor:
    """Average bilinear samples of the bins of regions (image, x, y, width, height, degrees).

    Args:
        x: Feature maps (N, C, H, W).
        regions: Rows (image, x, y, width, height, angle), (regions, 6): middle and extent in
            pixels of the image, the angle in degrees.
        size: The number of bins (rows, columns).
        scale: Positions of the feature map per pixel of the image.
        samples: The number of samples of a bin along each side; 0 for one a position.

    Returns:
        Means (regions, C, rows, columns).
    """
    middle_x, middle_y, *extent = (regions[:, 1:5].float() * scale).unbind(1)
    angle = (regions[:, 5].float() * (torch.pi / 180))[:, None, None, None, None]
    u, columns = centred_samples(extent[0].clamp(min=1), size[1], samples)
    v, rows = centred_samples(extent[1].clamp(min=1), size[0], samples)
    step_x = torch.arange(u.shape[2], device=x.device)
    step_y = torch.arange(v.shape[2], device=x.device)
    counted = (step_y[:, None] < rows[:, None, None]) & (step_x < columns[:, None, None])
    u, v = u[:, None, :, None, :], v[:, :, None, :, None]
    column = u * angle.cos() + v * angle.sin() + middle_x[:, None, None, None, None]
    row = v * angle.cos() - u * angle.sin() + middle_y[:, None, None, None, None]

    height, width = x.shape[2:]
    inside = (column >= -1) & (column <= width) & (row >= -1) & (row <= height)
    inside = inside & counted[:, None, None]
    index = (regions[:, 0].long()[:, None, None, None, None], slice(None))
    values = torch.where(inside[..., None], bilinear_values(x, index, row, column), 0)
    count = (columns * rows)[:, None, None, None]
    return (values.sum((3, 4)) / count).permute(0, 3, 1, 2).to(x.dtype)


def centred_samples(extent: Tensor, bins: int, samples: int) -> tuple[Tensor, Tensor]:
    """Return places (regions, bins, samples) from the middle of extents, and the count in a bin.

    The surplus samples of a bin with fewer than another's lie behind it.

    Args:
        extent: The extents of the regions (regions,), in positions of the feature map.
        bins: The number of bins.
        samples: The number of samples of a bin; 0 for as many as the bin has positions.

    Returns:
        Places relative to the middle (regions, bins, samples), and counts (regions,).
    """
    width = extent[:, None, None] / bins
    if samples > 0:
        count, step = torch.full_like(extent, samples), torch.arange(samples, device=extent.device)
    else:
        count = (extent / bins).ceil()
        step = torch.arange(count.max().long(), device=extent.device)  # type: ignore[call-overload]
    step = (step + 0.5) / count[:, None, None]
    place = (torch.arange(bins, device=extent.device)[:, None] + step) * width
    return place - extent[:, None, None] / 2, count
