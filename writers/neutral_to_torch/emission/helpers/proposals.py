"""Region proposals of detectors."""

from __future__ import annotations

import torch
from torch import Tensor

from neutral_to_torch.emission.helpers.boxes import take_boxes
from neutral_to_torch.emission.helpers.indexing import stable_sort
from neutral_to_torch.emission.helpers.suppression import suppress


def region_proposals(
    scores: Tensor,
    deltas: Tensor,
    images: Tensor,
    anchors: list[list[float]],
    stride: int,
    pre_top_k: int | None,
    count: int,
    overlap_threshold: float = 0.7,
    min_size: float = 16.0,
    corner_deltas: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return rows (image, x1, y1, x2, y2), ``count`` an image, and scores (N*count, 1).

    Args:
        scores: Scores (N, 2 * anchors, H, W); those of the foreground are the second half.
        deltas: Moves of the anchors (N, 4 * anchors, H, W).
        images: Height and width in pixels, and scale of each image, (N, 3).
        anchors: Corner boxes in pixels, for the first position.
        stride: Pixels of the image per position of the map.
        pre_top_k: The number of best boxes before suppression; None for all.
        count: The number of regions of each image; fewer are repeated.
        overlap_threshold: The intersection over union above which the lower score is suppressed.
        min_size: The least side of a box, in pixels of the unscaled image.
        corner_deltas: Whether deltas are added to the corners.

    Returns:
        Regions (N * count, 5) in pixels, and scores (N * count, 1).
    """
    n, kinds = scores.shape[0], len(anchors)
    score = scores[:, kinds:].permute(0, 2, 3, 1)
    base = moved_anchors(score, anchors, stride)
    deltas = deltas.unflatten(1, (kinds, 4)).permute(0, 3, 4, 1, 2)
    boxes = base + deltas if corner_deltas else moved_boxes(base, deltas)
    image_size = images[:, :2]
    last = (image_size - 1).flip(1).repeat(1, 2)[:, None, None, None]
    boxes = torch.minimum(boxes, last).clamp(min=0).flatten(1, 3)

    inside = (image_size / stride).trunc()
    rows = torch.arange(score.shape[1], device=score.device) < inside[:, :1]
    columns = torch.arange(score.shape[2], device=score.device) < inside[:, 1:]
    score = torch.where((rows[:, :, None] & columns[:, None])[..., None], score, -1).flatten(1)
    smallest = (min_size * images[:, 2])[:, None, None]
    small = (boxes[..., 2:] - boxes[..., :2] + 1 < smallest).any(-1)
    grown = torch.cat((boxes[..., :2] - smallest / 2, boxes[..., 2:] + smallest / 2), dim=-1)
    boxes = torch.where(small[..., None], grown, boxes)
    score, order = stable_sort(torch.where(small, -1, score), 1, descending=True)
    if pre_top_k is not None:
        score, order = score[:, :pre_top_k], order[:, :pre_top_k]
    boxes = take_boxes(boxes, order)

    conflicts = pixel_overlaps(boxes) > overlap_threshold
    keep = suppress(torch.ones_like(score, dtype=torch.bool), conflicts)
    first = stable_sort((~keep).to(torch.int32), 1)[1]
    left = keep.sum(1, keepdim=True).clamp(max=count)
    chosen = first.gather(1, torch.arange(count, device=score.device) % left)
    number = torch.arange(n, device=score.device, dtype=score.dtype)[:, None, None]
    regions = torch.cat((number.expand(-1, count, 1), take_boxes(boxes, chosen)), dim=-1)
    return regions.flatten(0, 1), score.gather(1, chosen).reshape(-1, 1)


def moved_anchors(score: Tensor, anchors: list[list[float]], stride: int) -> Tensor:
    """Return anchors (1, H, W, anchors, 4) at all positions of scores (N, H, W, anchors).

    Args:
        score: Scores (N, H, W, anchors), for their extents and dtype.
        anchors: Corner boxes in pixels, for the first position.
        stride: Pixels of the image per position of the map.

    Returns:
        Corner boxes in pixels.
    """
    y = torch.arange(score.shape[1], device=score.device, dtype=score.dtype) * stride
    x = torch.arange(score.shape[2], device=score.device, dtype=score.dtype) * stride
    place = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).repeat(1, 1, 2)
    return place[None, :, :, None] + torch.tensor(anchors, device=score.device, dtype=score.dtype)


def moved_boxes(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Move and scale boxes of pixels by deltas.

    Args:
        boxes: Corner boxes (..., 4), the last pixel included.
        deltas: Moves of centers and logarithms of sides (..., 4), relative to the boxes.

    Returns:
        Corner boxes (..., 4).
    """
    extent = boxes[..., 2:] - boxes[..., :2] + 1
    middle = deltas[..., :2] * extent + (boxes[..., :2] + 0.5 * (extent - 1))
    half = 0.5 * (deltas[..., 2:].exp() * extent - 1)
    return torch.cat((middle - half, middle + half), dim=-1)


def pixel_overlaps(boxes: Tensor) -> Tensor:
    """Return intersections over unions of boxes (N, boxes, 4) that include their corner pixels.

    Args:
        boxes: Boxes as (x1, y1, x2, y2), in pixels.

    Returns:
        A tensor (N, boxes, boxes).
    """
    low, high = boxes[..., :2], boxes[..., 2:]
    area = (high - low + 1).prod(-1)
    first = torch.maximum(low[:, :, None], low[:, None])
    last = torch.minimum(high[:, :, None], high[:, None])
    common = (last - first + 1).clamp(min=0).prod(-1)
    return common / (area[:, :, None] + area[:, None] - common)
