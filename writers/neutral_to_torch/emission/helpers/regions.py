"""Pooling of regions of feature maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_pool(x: Tensor, regions: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """Return maxima of the bins of regions (image, x1, y1, x2, y2); empty bins give 0.

    Args:
        x: Feature maps (N, C, H, W).
        regions: Rows (image, x1, y1, x2, y2) in pixels of the image, (regions, 5).
        size: The number of bins (rows, columns).
        scale: Positions of the feature map per pixel of the image.

    Returns:
        Maxima (regions, C, rows, columns).
    """
    corners = round_half_away(regions[:, 1:].float() * scale).long()
    x1, y1, x2, y2 = corners.unbind(1)
    top, bottom = bin_bounds(y1, y2, size[0], x.shape[2])
    left, right = bin_bounds(x1, x2, size[1], x.shape[3])
    image = regions[:, 0].long()
    present = ((image >= 0) & (image < x.shape[0]))[:, None, None]
    filled = present & (bottom > top)[:, :, None] & (right > left)[:, None, :]
    maxima = window_maxima(x, image.clamp(0, x.shape[0] - 1), top, bottom, left, right)
    return torch.where(filled[:, None], maxima, 0)


def round_half_away(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves away from zero.

    Args:
        x: A floating-point tensor.

    Returns:
        A tensor of the same shape and dtype.
    """
    whole = x.trunc()
    return whole + torch.where((x - whole).abs() >= 0.5, x.sign(), 0)


def bin_bounds(first: Tensor, last: Tensor, bins: int, extent: int) -> tuple[Tensor, Tensor]:
    """Return begin and end (regions, bins) of the bins of ranges ``first`` to ``last``.

    Args:
        first: The first positions (regions,), integers.
        last: The last positions (regions,), included.
        bins: The number of bins.
        extent: The extent of the axis, to which bounds are clamped.

    Returns:
        Begin and end, excluded, as integers of 64 bits.
    """
    width = (last - first + 1).clamp(min=1).float()[:, None] / bins
    steps = torch.arange(bins + 1, device=first.device)
    begin = (steps[:-1] * width).floor().long() + first[:, None]
    end = (steps[1:] * width).ceil().long() + first[:, None]
    return begin.clamp(0, extent), end.clamp(0, extent)


@torch.fx.wrap
def window_maxima(
    x: Tensor, image: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor
) -> Tensor:
    """Return maxima of x[image, :, top:bottom, left:right]: (regions, C, bins, bins).

    Each is the maximum of four overlapping windows whose sides are powers of two.

    Args:
        x: Feature maps (N, C, H, W).
        image: The image of each region, (regions,).
        top: The first rows (regions, bins).
        bottom: The rows after the last, of the same shape.
        left: The first columns (regions, bins).
        right: The columns after the last, of the same shape.

    Returns:
        Maxima; of no meaning where a window is empty.
    """
    n, channels = x.shape[:2]
    height, width = int(x.shape[2]), int(x.shape[3])
    tables, starts, total = [], [], 0
    rows = x
    for i in range(height.bit_length()):
        if i > 0:
            rows = torch.maximum(rows[:, :, : -(1 << (i - 1))], rows[:, :, 1 << (i - 1) :])
        table = rows
        for j in range(width.bit_length()):
            if j > 0:
                table = torch.maximum(table[..., : -(1 << (j - 1))], table[..., 1 << (j - 1) :])
            pitch = width - (1 << j) + 1
            starts.append((total, pitch))
            total += (height - (1 << i) + 1) * pitch
            tables.append(table.permute(0, 2, 3, 1).reshape(n, -1, channels))
    maxima = torch.cat(tables, dim=1).flatten(0, 1)
    start, pitches = torch.tensor(starts, device=x.device).unbind(1)

    powers_high = 2 ** torch.arange(1, height.bit_length(), device=x.device)
    powers_wide = 2 ** torch.arange(1, width.bit_length(), device=x.device)
    high = ((bottom - top)[..., None] >= powers_high).sum(-1)
    wide = ((right - left)[..., None] >= powers_wide).sum(-1)
    level = high[:, :, None] * width.bit_length() + wide[:, None, :]
    corners = []
    for y in (top, bottom - 2**high):
        for across in (left, right - 2**wide):
            place = y.clamp(min=0)[:, :, None] * pitches[level] + across.clamp(min=0)[:, None, :]
            place = (start[level] + place).clamp(max=total - 1)
            corners.append(maxima[image[:, None, None] * total + place])
    return torch.stack(corners).amax(0).permute(0, 3, 1, 2)


def roi_align(
    x: Tensor,
    regions: Tensor,
    size: tuple[int, int],
    scale: float,
    samples: int = 0,
    aligned: bool = False,
    position_sensitive: bool = False,
) -> Tensor:
    """Average bilinear samples of the bins of regions (image, x1, y1, x2, y2).

    Args:
        x: Feature maps (N, C, H, W).
        regions: Rows (image, x1, y1, x2, y2) in pixels of the image, (regions, 5).
        size: The number of bins (rows, columns).
        scale: Positions of the feature map per pixel of the image.
        samples: The number of samples of a bin along each side; 0 for one a position.
        aligned: Whether positions are the middles of pixels, and regions may be smaller than one.
        position_sensitive: Whether each bin has channels of its own.

    Returns:
        Means (regions, C, rows, columns); with channels of their own C / (rows * columns) of them.
    """
    bins = size[0] * size[1] if position_sensitive else 1
    n, _, height, width = x.shape
    image, boxes = regions[:, 0], regions[:, 1:].float() * scale - (0.5 if aligned else 0.0)
    extents = boxes[:, 2:] - boxes[:, :2]
    if not aligned:
        extents = extents.clamp(min=1)
    high, wide = extents[:, 1] / size[0], extents[:, 0] / size[1]
    rows, row_weights, row_count = bin_samples(boxes[:, 1], high, size[0], samples, height)
    columns, column_weights, column_count = bin_samples(boxes[:, 0], wide, size[1], samples, width)

    # one row of channels for each position (and bin, where each has its own)
    table = x.reshape(n, -1, bins, height, width).permute(0, 3, 4, 2, 1)
    table = table.reshape(n * height * width * bins, -1)
    first = image.long().clamp(0, n - 1)[:, None, None, None, None] * height
    own = torch.arange(bins, device=x.device).reshape(-1, size[1] if bins > 1 else 1)
    own = own[None, :, :, None, None]
    places, weights = [], []
    for row, row_weight in zip(rows, row_weights):
        for column, column_weight in zip(columns, column_weights):
            place = (first + row[:, :, None, :, None]) * width + column[:, None, :, None, :]
            places.append((place * bins + own).flatten(3))
            weight = row_weight[:, :, None, :, None] * column_weight[:, None, :, None, :]
            weights.append(weight.flatten(3))
    place, weight = torch.cat(places, dim=3), torch.cat(weights, dim=3).to(x.dtype)
    bags = torch.arange(regions.shape[0] * size[0] * size[1], device=x.device) * place.shape[3]
    weight = weight.flatten()
    sums = F.embedding_bag(place.flatten(), table, bags, mode="sum", per_sample_weights=weight)
    sums = sums.reshape(-1, size[0], size[1], sums.shape[1]).permute(0, 3, 1, 2)
    count = (row_count * column_count).to(x.dtype)[:, None, None, None]
    return torch.where((image >= 0)[:, None, None, None], sums / count, 0)


def bin_samples(
    start: Tensor, width: Tensor, bins: int, samples: int, extent: int
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], Tensor]:
    """Return the two positions next to each sample, their weights, and the count in a bin.

    Positions and weights are (regions, bins, samples); surplus samples have weights of 0.

    Args:
        start: The begins of the regions (regions,), in positions of the feature map.
        width: The widths of their bins (regions,).
        bins: The number of bins.
        samples: The number of samples of a bin; 0 for as many as the bin has positions.
        extent: The extent of the feature map along the axis.

    Returns:
        Positions below and above, their weights, and counts (regions,).
    """
    if samples > 0:
        count, step = torch.full_like(width, samples), torch.arange(samples, device=width.device)
    else:
        count = width.ceil().clamp(min=1)
        step = torch.arange(count.max().long(), device=width.device)  # type: ignore[call-overload]
    bin_start = start[:, None] + torch.arange(bins, device=start.device) * width[:, None]
    cell = (step + 0.5) * width[:, None] / count[:, None]
    place = bin_start[:, :, None] + cell[:, None]
    inside = (place >= -1) & (place <= extent) & (step < count[:, None])[:, None]
    place = place.clamp(0, extent - 1)
    low = place.floor()
    share = place - low
    low = low.long()
    weights = (torch.where(inside, 1 - share, 0), torch.where(inside, share, 0))
    return (low, (low + 1).clamp(max=extent - 1)), weights, count
