"""Boxes: corners and centers, areas, overlaps, and boxes relative to anchors."""

from __future__ import annotations

import torch
from torch import Tensor


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


def centers(boxes: Tensor) -> Tensor:
    """Convert corners to (x, y, width, height).

    Args:
        boxes: Boxes (..., 4) as (x1, y1, x2, y2).

    Returns:
        Boxes (..., 4), x and y of their centers.
    """
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.cat((boxes[..., :2] + size * 0.5, size), dim=-1)


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
    std: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
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
    scaled = predictions * torch.tensor(std, dtype=predictions.dtype, device=predictions.device)
    place = scaled[..., :2] * size + place
    growth = scaled[..., 2:] if max_log is None else scaled[..., 2:].clamp(max=max_log)
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


def take_boxes(rows: Tensor, order: Tensor) -> Tensor:
    """Take rows of (N, boxes, elements) in the order (N, some).

    Args:
        rows: Rows (N, boxes, elements).
        order: Numbers of boxes (N, some), integers of 64 bits.

    Returns:
        Rows (N, some, elements).
    """
    return rows.gather(1, order[..., None].expand(-1, -1, rows.shape[2]))
