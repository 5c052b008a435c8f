"""Boxes of detectors: (x1, y1, x2, y2), or where said (x, y, width, height)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from neutral_to_torch.emission.helpers.indexing import stable_sort


def corners(boxes: Tensor) -> Tensor:
    """Convert (x, y, width, height) to (x1, y1, x2, y2).

    Args:
        boxes: Boxes (..., 4) as (x, y, width, height), x and y of their centers.

    Returns:
        Boxes (..., 4).
    """
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((center - half, center + half), dim=-1)


def areas(sides: Tensor) -> Tensor:
    """Return the areas of boxes of given sides (..., 2); 0 where a side is negative.

    Args:
        sides: Width and height (..., 2).

    Returns:
        Areas (...).
    """
    return torch.where((sides < 0).any(-1), 0, sides.prod(-1))


def intersections(first: Tensor, second: Tensor) -> Tensor:
    """Return the areas common to corner boxes, which broadcast.

    Args:
        first: Boxes (..., 4) as (x1, y1, x2, y2).
        second: Boxes that broadcast with them.

    Returns:
        Areas (...).
    """
    left, top, right, bottom = first.unbind(-1)
    other_left, other_top, other_right, other_bottom = second.unbind(-1)
    width = torch.minimum(right, other_right) - torch.maximum(left, other_left)
    height = torch.minimum(bottom, other_bottom) - torch.maximum(top, other_top)
    return width.clamp(min=0) * height.clamp(min=0)


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return the intersection over union of all boxes of ``first`` with all of ``second``.

    Args:
        first: Boxes (*A, 4) as (x1, y1, x2, y2).
        second: Boxes (*B, 4).

    Returns:
        A tensor (*A, *B); 0 where boxes do not meet.
    """
    ones, others = first.reshape(-1, 1, 4), second.reshape(1, -1, 4)
    union = areas(ones[..., 2:] - ones[..., :2]) + areas(others[..., 2:] - others[..., :2])
    common = intersections(ones, others)
    overlaps = torch.where(common > 0, common / (union - common), 0)
    return overlaps.reshape(first.shape[:-1] + second.shape[:-1])


def box_iou_of_centers(first: Tensor, second: Tensor) -> Tensor:
    """Return the intersection over union of all boxes (x, y, width, height) with all others.

    Args:
        first: Boxes (*A, 4), x and y of their centers.
        second: Boxes (*B, 4).

    Returns:
        A tensor (*A, *B); 0 where boxes do not meet.
    """
    ones, others = first.reshape(-1, 1, 4), second.reshape(1, -1, 4)
    union = areas(ones[..., 2:]) + areas(others[..., 2:])
    common = intersections(corners(ones), corners(others))
    overlaps = torch.where(common > 0, common / (union - common), 0)
    return overlaps.reshape(first.shape[:-1] + second.shape[:-1])


def suppress(keep: Tensor, conflicts: Tensor) -> Tensor:
    """Keep of boxes (N, boxes) in order those in conflict with no earlier one that is kept.

    Args:
        keep: The candidates (N, boxes), boolean, best first.
        conflicts: Whether two boxes exclude each other, (N, boxes, boxes), boolean.

    Returns:
        The boxes that are kept (N, boxes), boolean.
    """
    recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()
    parts = [keep[:, :0]]
    for begin in range(0, keep.shape[1], 128):
        part = slice(begin, begin + 128)
        free = own = keep[:, part]
        for _ in range(own.shape[1]):
            earlier = conflicts[:, part, part].triu(1) & own[:, :, None]
            before, own = own, free & ~earlier.any(1)
            if not recorded and torch.equal(own, before):
                break
        parts.append(own)
        keep = keep & ~(conflicts[:, part] & own[:, :, None]).any(1)
    return torch.cat(parts, 1)


def centers(boxes: Tensor) -> Tensor:
    """Convert corners to (x, y, width, height).

    Args:
        boxes: Boxes (..., 4) as (x1, y1, x2, y2).

    Returns:
        Boxes (..., 4), x and y of their centers.
    """
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.cat((boxes[..., :2] + size * 0.5, size), dim=-1)


def take_boxes(rows: Tensor, order: Tensor) -> Tensor:
    """Take rows of (N, boxes, elements) in the order (N, some).

    Args:
        rows: Rows (N, boxes, elements).
        order: Numbers of boxes (N, some), integers of 64 bits.

    Returns:
        Rows (N, some, elements).
    """
    return rows.gather(1, order[..., None].expand(-1, -1, rows.shape[2]))


def box_nms(
    boxes: Tensor,
    overlap_threshold: float = 0.5,
    valid_threshold: float = 0.0,
    top_k: int | None = None,
    coord_start: int = 2,
    score_index: int = 1,
    class_index: int | None = None,
    background: int = -1,
    across_classes: bool = False,
    center: bool = False,
) -> Tensor:
    """Suppress non-maxima of (..., boxes, elements): the boxes that are kept, then rows of -1.

    Args:
        boxes: Rows (..., boxes, elements).
        overlap_threshold: The intersection over union above which the lower score is suppressed.
        valid_threshold: The score that a box must exceed.
        top_k: The number of boxes of best score that take part; None for all.
        coord_start: The element at which the four coordinates begin.
        score_index: The element of the score.
        class_index: The element of the class; None where boxes have none.
        background: The class whose boxes are dropped.
        across_classes: Whether boxes of different classes suppress each other.
        center: Whether coordinates are (x, y, width, height) instead of corners.

    Returns:
        Rows of the shape of ``boxes``, best score first.
    """
    rows = boxes.reshape(-1, *boxes.shape[-2:])
    count = rows.shape[1]
    scores = rows[..., score_index]
    valid = scores > valid_threshold
    if class_index is not None:
        valid = valid & (rows[..., class_index] != background)
    ranked = torch.where(valid, scores, -torch.inf)
    order = stable_sort(ranked, 1, descending=True)[1]
    if top_k is not None and top_k < count:
        order = order[:, :top_k]
    best = take_boxes(rows, order)

    coords = best[..., coord_start : coord_start + 4]
    sides = coords[..., 2:] if center else coords[..., 2:] - coords[..., :2]
    area = areas(sides)
    if center:
        half = sides / 2
        coords = torch.cat((coords[..., :2] - half, coords[..., :2] + half), dim=-1)
    common = intersections(coords[:, :, None], coords[:, None])
    conflicts = common / (area[:, :, None] + area[:, None] - common) > overlap_threshold
    if class_index is not None and not across_classes:
        kinds = best[..., class_index].trunc()
        conflicts = conflicts & (kinds[:, :, None] == kinds[:, None])
    keep = suppress(valid.gather(1, order), conflicts)

    first = stable_sort((~keep).to(torch.int32), 1)[1]
    kept = torch.where(keep.gather(1, first)[..., None], take_boxes(best, first), -1)
    return F.pad(kept, (0, 0, 0, count - kept.shape[1]), value=-1.0).reshape(boxes.shape)


def rows_with_corners(rows: Tensor, coord_start: int = 2) -> Tensor:
    """Convert (x, y, width, height) in rows to corners, but where x is negative.

    Args:
        rows: Rows (..., elements).
        coord_start: The element at which the four coordinates begin.

    Returns:
        Rows of the same shape.
    """
    coords = rows[..., coord_start : coord_start + 4]
    coords = torch.where(coords[..., :1] < 0, coords, corners(coords))
    return torch.cat((rows[..., :coord_start], coords, rows[..., coord_start + 4 :]), dim=-1)


def rows_with_centers(rows: Tensor, coord_start: int = 2) -> Tensor:
    """Convert corners in rows to (x, y, width, height), but where x1 is negative.

    Args:
        rows: Rows (..., elements).
        coord_start: The element at which the four coordinates begin.

    Returns:
        Rows of the same shape.
    """
    coords = rows[..., coord_start : coord_start + 4]
    low, high = coords[..., :2], coords[..., 2:]
    converted = torch.cat(((low + high) / 2, high - low), dim=-1)
    coords = torch.where(coords[..., :1] < 0, coords, converted)
    return torch.cat((rows[..., :coord_start], coords, rows[..., coord_start + 4 :]), dim=-1)


def box_decode(
    predictions: Tensor,
    anchors: Tensor,
    std: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0),
    max_log: float | None = None,
) -> Tensor:
    """Return corner boxes from predictions (N, boxes, 4) for anchors (x, y, width, height).

    Args:
        predictions: Offsets of centers and logarithms of sides, relative to the anchors.
        anchors: Anchors that broadcast to (N, boxes, 4).
        std: The factors of the four predictions.
        max_log: The bound of the logarithms of sides; None for none.

    Returns:
        Boxes (N, boxes, 4) as (x1, y1, x2, y2).
    """
    place, size = anchors[..., :2], anchors[..., 2:]
    scaled = predictions * predictions.new_tensor(std)
    place = scaled[..., :2] * size + place
    growth = scaled[..., 2:]
    if max_log is not None:
        growth = growth.clamp(max=max_log)
    half = growth.exp() * size * 0.5
    return torch.cat((place - half, place + half), dim=-1)


def box_encode(
    samples: Tensor,
    matches: Tensor,
    anchors: Tensor,
    references: Tensor,
    mean: Tensor,
    std: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return targets (N, boxes, 4) of anchors that match references, and their mask.

    Args:
        samples: Samples (N, boxes); those above 0.5 get targets.
        matches: The number of each anchor's reference, (N, boxes).
        anchors: Corner boxes (N, boxes, 4).
        references: Corner boxes (N, references, 4).
        mean: The means of the four targets.
        std: The deviations of the four targets.

    Returns:
        Targets and mask, (N, boxes, 4) each.
    """
    matched = take_boxes(references, matches.long())
    size, other_size = anchors[..., 2:] - anchors[..., :2], matched[..., 2:] - matched[..., :2]
    place, other_place = anchors[..., :2] + size * 0.5, matched[..., :2] + other_size * 0.5
    targets = torch.cat(((other_place - place) / size, (other_size / size).log()), dim=-1)
    mask = (samples > 0.5)[..., None].expand_as(targets)
    return torch.where(mask, (targets - mean) / std, 0), mask.to(targets.dtype)


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
    return of_rows.reshape(*leading, rows), of_columns.reshape(*leading, columns)


def multibox_prior(
    x: Tensor,
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
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
    variances: tuple[float, ...] = (0.1, 0.1, 0.2, 0.2),
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
    if top_k is not None and top_k < rows.shape[1]:
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
