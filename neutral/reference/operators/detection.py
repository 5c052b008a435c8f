"""Boxes of object detectors."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from neutral.reference.operators.boxes import areas, intersections, overlaps, suppress, to_centers, to_corners
from neutral.reference.registry import Array, reference


@reference("box_iou")
def box_iou(input: Array, other: Array, format: str) -> Array:
    result = overlaps(input.reshape(-1, 1, 4), other.reshape(1, -1, 4), format)
    return result.reshape(*input.shape[:-1], *other.shape[:-1])


@reference("box_nms")
def box_nms(
    input: Array,
    overlap_threshold: float,
    valid_threshold: float,
    top_k: int | None,
    coord_start: int,
    score_index: int,
    class_index: int | None,
    background: int,
    across_classes: bool,
    in_format: str,
    out_format: str,
) -> Array:
    if top_k == 0:
        return input
    place = slice(coord_start, coord_start + 4)
    output = np.full_like(input, -1)
    for rows, result in zip(input.reshape(-1, *input.shape[-2:]), output.reshape(-1, *input.shape[-2:])):
        scores = rows[:, score_index]
        valid = scores > valid_threshold
        if class_index is not None:
            classes = np.trunc(rows[:, class_index])
            valid &= classes != background
        order = np.argsort(-scores, kind="stable")
        order = order[valid[order]][:top_k]

        def removes(box: int, others: Array) -> Array:
            large = overlaps(rows[box, place], rows[others, place], in_format) > overlap_threshold  # noqa: B023
            same = True if across_classes or class_index is None else classes[others] == classes[box]  # noqa: B023
            return large & same

        kept = suppress(order.tolist(), removes)
        result[: len(kept)] = rows[kept]
    if in_format != out_format:
        boxes = output[..., place]
        converted = to_corners(boxes, in_format) if out_format == "corner" else to_centers(boxes, in_format)
        output[..., place] = np.where(boxes[..., :1] < 0, boxes, converted)
    return output


def _decoded(predictions: Array, anchors: Array, std: Sequence[float], max_log: float | None) -> Array:
    """Return the corner boxes of predictions (..., 4) relative to center anchors (..., 4)."""
    moves = predictions * np.array(std, predictions.dtype)
    middle = moves[..., :2] * anchors[..., 2:] + anchors[..., :2]
    logarithms = moves[..., 2:] if max_log is None else np.minimum(moves[..., 2:], predictions.dtype.type(max_log))
    half = np.exp(logarithms) * anchors[..., 2:] / 2
    return np.concatenate([middle - half, middle + half], -1)


@reference("box_decode")
def box_decode(input: Array, anchors: Array, std: Sequence[float], max_log: float | None, format: str) -> Array:
    return _decoded(input, to_centers(anchors, format), std, max_log)


@reference("box_encode")
def box_encode(
    samples: Array, matches: Array, anchors: Array, references: Array, mean: Array, std: Array
) -> tuple[Array, Array]:
    chosen = np.take_along_axis(references, matches.astype(np.int64)[..., None], 1)
    anchor, reference_box = to_centers(anchors, "corner"), to_centers(chosen, "corner")
    move = (reference_box[..., :2] - anchor[..., :2]) / anchor[..., 2:]
    logarithm = np.log(reference_box[..., 2:] / anchor[..., 2:])
    targets = (np.concatenate([move, logarithm], -1) - mean) / std
    mask = np.broadcast_to((samples > 0.5)[..., None], targets.shape)
    return np.where(mask, targets, 0), mask.astype(targets.dtype)


@reference("bipartite_matching")
def bipartite_matching(input: Array, smallest: bool, threshold: float, limit: int | None) -> tuple[Array, Array]:
    rows, columns = input.shape[-2:]
    column_of = np.full((*input.shape[:-2], rows), -1, input.dtype)
    row_of = np.full((*input.shape[:-2], columns), -1, input.dtype)
    for batch in np.ndindex(*input.shape[:-2]):
        scores = input[batch].ravel()
        pairs = 0
        for place in np.argsort(scores if smallest else -scores, kind="stable"):
            row, column = divmod(int(place), columns)
            better = scores[place] < threshold if smallest else scores[place] > threshold
            if not better or (limit is not None and pairs >= limit):
                break
            if column_of[batch][row] == -1 and row_of[batch][column] == -1:
                column_of[batch][row], row_of[batch][column] = column, row
                pairs += 1
    return column_of, row_of


@reference("multibox_prior")
def multibox_prior(
    input: Array,
    sizes: Sequence[float],
    ratios: Sequence[float],
    steps: Sequence[float] | None,
    offsets: Sequence[float],
    clip: bool,
) -> Array:
    height, width = input.shape[2:]
    down, across = steps or (1 / height, 1 / width)
    shapes = [(size, ratios[0]) for size in sizes] + [(sizes[0], ratio) for ratio in ratios[1:]]
    halves = [(size * height / width * np.sqrt(ratio) / 2, size / np.sqrt(ratio) / 2) for size, ratio in shapes]
    boxes = [
        (x - half_width, y - half_height, x + half_width, y + half_height)
        for y in (np.arange(height) + offsets[0]) * down
        for x in (np.arange(width) + offsets[1]) * across
        for half_width, half_height in halves
    ]
    output = np.array(boxes, input.dtype).reshape(1, -1, 4)
    return np.clip(output, 0, 1) if clip else output


@reference("multibox_detection")
def multibox_detection(
    probabilities: Array,
    predictions: Array,
    anchors: Array,
    threshold: float,
    overlap_threshold: float,
    top_k: int | None,
    across_classes: bool,
    variances: Sequence[float],
    clip: bool,
) -> Array:
    n, _, count = probabilities.shape
    boxes = _decoded(predictions.reshape(n, count, 4), to_centers(anchors, "corner"), variances, None)
    boxes = np.clip(boxes, 0, 1) if clip else boxes
    classes = probabilities[:, 1:].argmax(1)
    scores = probabilities[:, 1:].max(1)
    output = np.full((n, count, 6), -1, probabilities.dtype)
    for sample in range(n):
        taking_part = (scores[sample] > -1) & (scores[sample] >= probabilities.dtype.type(threshold))
        parts: list[Any] = [part[sample][taking_part] for part in (classes, scores, boxes)]
        rows = np.concatenate([parts[0][:, None], parts[1][:, None], parts[2]], 1).astype(output.dtype)
        if 0 < overlap_threshold <= 1:
            rows = _suppressed(rows, probabilities.dtype.type(overlap_threshold), top_k, across_classes)
        output[sample, : len(rows)] = rows
    return output


def _suppressed(rows: Array, threshold: float, top_k: int | None, across_classes: bool) -> Array:
    """Sort the top rows (class, score, box) by score, and set the class of all that are suppressed to -1."""
    best = rows[np.argsort(-rows[:, 1], kind="stable")[:top_k]]
    rows = np.concatenate([best, rows[len(best) :]])
    boxes, classes = best[:, 2:], best[:, 0]

    def removes(box: int, others: Array) -> Array:
        common = intersections(boxes[box], boxes[others])
        union = areas(boxes[box], "corner") + areas(boxes[others], "corner") - common
        large = np.where(union > 0, common / np.where(union > 0, union, 1), 0) >= threshold
        return large & (True if across_classes else classes[others] == classes[box])

    kept = suppress(list(range(len(best))), removes)
    rows[np.setdiff1d(np.arange(len(rows)), kept), 0] = -1
    return rows
