"""Non-maximum suppression: of overlapping boxes keep that with the highest score."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from neutral_to_torch.emission.helpers.boxes import areas, intersections, take_boxes
from neutral_to_torch.emission.helpers.indexing import stable_sort


@torch.fx.wrap
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
        later = conflicts[:, part, part].triu(1)
        for _ in range(own.shape[1]):
            before, own = own, free & ~(later & own[:, :, None]).any(1)
            if not recorded and torch.equal(own, before):
                break
        parts.append(own)
        keep = keep & ~(conflicts[:, part] & own[:, :, None]).any(1)
    return torch.cat(parts, 1)


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
    rows = boxes.reshape((-1,) + boxes.shape[-2:])
    count = rows.shape[1]
    scores = rows[..., score_index]
    valid = scores > valid_threshold
    if class_index is not None:
        valid = valid & (rows[..., class_index] != background)
    ranked = torch.where(valid, scores, -torch.inf)
    order = stable_sort(ranked, 1, descending=True)[1]
    best = take_boxes(rows, order[:, :top_k])

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
    keep = suppress(valid.gather(1, order[:, :top_k]), conflicts)

    first = stable_sort((~keep).to(torch.int32), 1)[1]
    kept = torch.where(keep.gather(1, first)[..., None], take_boxes(best, first), -1)
    return F.pad(kept, (0, 0, 0, count - kept.shape[1]), value=-1.0).reshape(boxes.shape)
