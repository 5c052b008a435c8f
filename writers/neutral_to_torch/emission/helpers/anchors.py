"""Anchors of single-shot detectors: their boxes, their matches, and detections from them."""

from __future__ import annotations

import torch
from torch import Tensor

from neutral_to_torch.emission.helpers.boxes import box_decode, centers, intersections, take_boxes
from neutral_to_torch.emission.helpers.indexing import stable_sort
from neutral_to_torch.emission.helpers.suppression import suppress


@torch.fx.wrap
def bipartite_matching(
    scores: Tensor, threshold: float, smallest: bool = False, limit: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pair rows and columns of (..., rows, columns), best scores first; -1 means no partner.

    Args:
        scores: Scores (..., rows, columns).
        threshold: The score that a pair must exceed, or with ``smallest`` stay below.
        smallest: Whether smaller scores are better.
        limit: The largest number of pairs; None for as many as there are rows or columns.

    Returns:
        The column of each row (..., rows), and the row of each column (..., columns).
    """
    rows, columns = scores.shape[-2:]
    values = scores.reshape(-1, rows * columns)
    if smallest:
        values, threshold = -values, -threshold
    of_rows = values.new_full((values.shape[0], rows), -1)
    of_columns = values.new_full((values.shape[0], columns), -1)
    every_row = torch.arange(rows, device=scores.device)
    every_column = torch.arange(columns, device=scores.device)
    pairs = min(rows, columns) if limit is None else min(rows, columns, limit)
    for _ in range(pairs):
        best, place = values.max(dim=1, keepdim=True)
        row, column = place // columns, place % columns
        found = best > threshold
        here, there = every_row == row, every_column == column
        of_rows = torch.where(found & here, column.to(values.dtype), of_rows)
        of_columns = torch.where(found & there, row.to(values.dtype), of_columns)
        taken = (here[:, :, None] | there[:, None]).flatten(1)
        values = torch.where(taken, -torch.inf, values)
    leading = scores.shape[:-2]
    return of_rows.reshape(leading + (rows,)), of_columns.reshape(leading + (columns,))


def multibox_prior(
    x: Tensor,
    sizes: list[float],
    ratios: list[float],
    steps: tuple[float, float] | None = None,
    offsets: tuple[float, float] = (0.5, 0.5),
    clip: bool = False,
) -> Tensor:
    """Return corner boxes (1, positions*boxes, 4) around the positions of a map of sides 1.

    Args:
        x: Feature maps (N, C, H, W), for their extents and dtype.
        sizes: Sizes of boxes, relative to the image.
        ratios: Ratios of width to height; sizes have the first, the first size has the others too.
        steps: The distances of positions (y, x), relative to the image; None for 1 / H and 1 / W.
        offsets: The place in a position's cell (y, x), from 0 to 1.
        clip: Whether boxes are clamped to the image.

    Returns:
        Boxes (1, H * W * (sizes + ratios - 1), 4) as (x1, y1, x2, y2).
    """
    height, width = x.shape[2:]
    step_y, step_x = (1 / height, 1 / width) if steps is None else steps
    y = (torch.arange(height, device=x.device) + offsets[0]) * step_y
    across = (torch.arange(width, device=x.device) + offsets[1]) * step_x
    shapes = [(size, ratios[0]) for size in sizes] + [(sizes[0], ratio) for ratio in ratios[1:]]
    half_width = torch.tensor([size * ratio**0.5 / 2 for size, ratio in shapes], device=x.device)
    half_width = half_width * height / width
    half_height = torch.tensor([size / ratio**0.5 / 2 for size, ratio in shapes], device=x.device)
    half = torch.stack((half_width, half_height), dim=-1)
    center = torch.stack(torch.meshgrid(across, y, indexing="xy"), dim=-1)[:, :, None]
    boxes = torch.cat((center - half, center + half), dim=-1).reshape(1, -1, 4)
    return (boxes.clamp(0, 1) if clip else boxes).to(x.dtype)


def multibox_detection(
    probabilities: Tensor,
    predictions: Tensor,
    anchors: Tensor,
    threshold: float = 0.01,
    overlap_threshold: float = 0.5,
    top_k: int | None = None,
    across_classes: bool = False,
    variances: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2),
    clip: bool = True,
) -> Tensor:
    """Return rows (class, score, box) of all anchors; class -1 where there is no detection.

    Args:
        probabilities: Probabilities (N, classes, anchors); class 0 is the background.
        predictions: Offsets (N, anchors * 4), relative to the anchors.
        anchors: Corner boxes (1, anchors, 4).
        threshold: The least score of a detection.
        overlap_threshold: The intersection over union from which the lower score is suppressed; no
            box is, unless it is above 0 and at most 1.
        top_k: The number of boxes of best score that take part; None for all.
        across_classes: Whether boxes of different classes suppress each other.
        variances: The factors of the four offsets.
        clip: Whether boxes are clamped to the image.

    Returns:
        Rows (N, anchors, 6), classes counted without the background.
    """
    score, kind = probabilities[:, 1:].max(dim=1)
    valid = (score > -1) & (score >= threshold)
    boxes = box_decode(predictions.unflatten(1, (-1, 4)), centers(anchors), variances)
    if clip:
        boxes = boxes.clamp(0, 1)
    rows = torch.cat((kind.to(score.dtype)[..., None], score[..., None], boxes), dim=-1)
    first = stable_sort((~valid).to(torch.int32), 1)[1]
    valid = valid.gather(1, first)
    rows = torch.where(valid[..., None], take_boxes(rows, first), -1)
    if not 0 < overlap_threshold <= 1:
        return rows

    ranked = torch.where(valid, rows[..., 1], -torch.inf)
    order = stable_sort(ranked, 1, descending=True)[1]
    rest = rows[:, :0]
    if top_k is not None:
        order = order[:, :top_k]
        none = torch.full_like(rows[:, top_k:, :1], -1)
        rest = torch.cat((none, rows[:, top_k:, 1:]), dim=-1)
    best = take_boxes(rows, order)
    boxes = best[..., 2:]
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    common = intersections(boxes[:, :, None], boxes[:, None])
    union = area[:, :, None] + area[:, None] - common
    conflicts = torch.where(union > 0, common / union, 0) >= overlap_threshold
    if not across_classes:
        conflicts = conflicts & (best[:, :, None, 0] == best[:, None, :, 0])
    keep = suppress(best[..., 0] >= 0, conflicts)
    best = torch.cat((torch.where(keep, best[..., 0], -1)[..., None], best[..., 1:]), dim=-1)
    return torch.cat((best, rest), dim=1)
