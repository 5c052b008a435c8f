"""Region proposals of object detectors."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.operators.boxes import suppress
from neutral.reference.registry import Array, reference


@reference("region_proposals")
def region_proposals(
    scores: Array,
    deltas: Array,
    images: Array,
    anchors: Sequence[float],
    stride: int,
    pre_top_k: int | None,
    count: int,
    overlap_threshold: float,
    min_size: float,
    corner_deltas: bool,
) -> tuple[Array, Array]:
    base = np.array(anchors, scores.dtype).reshape(-1, 4)
    regions, region_scores = [], []
    for sample, (height, width, scale) in enumerate(images):
        score = np.moveaxis(scores[sample, len(base) :], 0, -1).copy()  # (H, W, A)
        rows, columns = score.shape[:2]
        y, x = np.meshgrid(np.arange(rows) * stride, np.arange(columns) * stride, indexing="ij")
        boxes = base + np.stack([x, y, x, y], -1)[:, :, None].astype(scores.dtype)
        moves = np.moveaxis(deltas[sample].reshape(len(base), 4, rows, columns), (0, 1), (2, 3))
        boxes = boxes + moves if corner_deltas else _moved(boxes, moves)
        boxes = np.clip(boxes, 0, np.array([width - 1, height - 1] * 2, boxes.dtype))
        score[int(height / stride) :] = -1
        score[:, int(width / stride) :] = -1
        boxes, score = boxes.reshape(-1, 4), score.ravel()
        least = boxes.dtype.type(min_size) * scale
        small = (boxes[:, 2:] - boxes[:, :2] + 1 < least).any(1)
        boxes[small] += np.array([-1, -1, 1, 1], boxes.dtype) * least / 2
        score[small] = -1
        chosen = _proposed(boxes, score, pre_top_k, count, overlap_threshold)
        regions.append(np.concatenate([np.full((count, 1), sample, boxes.dtype), boxes[chosen]], 1))
        region_scores.append(score[chosen])
    return np.concatenate(regions), np.concatenate(region_scores)[:, None]


def _moved(boxes: Array, deltas: Array) -> Array:
    """Return boxes of whole pixels moved and scaled by deltas."""
    size = boxes[..., 2:] - boxes[..., :2] + 1
    middle = deltas[..., :2] * size + boxes[..., :2] + (size - 1) / 2
    half = (np.exp(deltas[..., 2:]) * size - 1) / 2
    return np.concatenate([middle - half, middle + half], -1)


def _proposed(boxes: Array, score: Array, pre_top_k: int | None, count: int, threshold: float) -> Array:
    """Return the numbers of the boxes that remain after suppression, repeated up to the count."""
    order = np.argsort(-score, kind="stable")[:pre_top_k]
    sizes = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)

    def removes(box: int, others: Array) -> Array:
        low = np.maximum(boxes[box, :2], boxes[others, :2])
        high = np.minimum(boxes[box, 2:], boxes[others, 2:])
        common = np.maximum(high - low + 1, 0).prod(1)
        return common / (sizes[box] + sizes[others] - common) > boxes.dtype.type(threshold)

    kept = suppress(order.tolist(), removes)[:count]
    return np.resize(np.array(kept), count)
