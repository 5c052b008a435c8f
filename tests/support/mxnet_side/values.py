"""Numbers of a call's inputs, drawn by the names that ``differential.draft.Input.values`` has."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

Random = np.random.RandomState


def draw_values(random: Random, shape: Sequence[int], dtype: str, values: Sequence[Any]) -> np.ndarray:
    """Return an input's numbers.

    Args:
        random: The random numbers.
        shape: The input's shape.
        dtype: Its dtype.
        values: A name of ``DRAWN`` and its arguments; empty for uniform numbers from -2 to 3 (integers from -3 to 5,
            unsigned ones from 0).

    Returns:
        The array.
    """
    shape = tuple(shape)
    if values:
        return np.asarray(DRAWN[values[0]](random, shape, *values[1:])).astype(dtype)
    if dtype == "bool":
        return random.rand(*shape) > 0.5
    if dtype.startswith("float"):
        return np.asarray(random.uniform(-2, 3, shape), dtype)
    return np.asarray(random.randint(0 if dtype.startswith("u") else -3, 6, shape), dtype)


def _integers(random: Random, shape: tuple, low: int, high: int) -> np.ndarray:
    return random.randint(low, high + 1, shape)


def _uniform(random: Random, shape: tuple, low: float, high: float) -> np.ndarray:
    return random.uniform(low, high, shape)


def _constant(random: Random, shape: tuple, *numbers: float) -> np.ndarray:
    return np.broadcast_to(np.array(numbers), shape)


def _definite(random: Random, shape: tuple) -> np.ndarray:
    matrix = random.uniform(-1, 1, shape)
    return matrix @ np.swapaxes(matrix, -1, -2) + 2 * np.eye(shape[-1])


def _separated(random: Random, shape: tuple) -> np.ndarray:
    """Symmetric matrices with eigenvalues at distances of about 2, in no order."""
    noise = random.uniform(-0.3, 0.3, shape)
    return noise + np.swapaxes(noise, -1, -2) + np.diag(2.0 * random.permutation(shape[-1]) + 1)


def _regular(random: Random, shape: tuple) -> np.ndarray:
    return random.uniform(-1, 1, shape) + 3 * np.eye(shape[-2], shape[-1])


def _triangular(random: Random, shape: tuple) -> np.ndarray:
    return np.tril(random.uniform(-1, 1, shape)) + 2 * np.eye(shape[-1])


def _corners(random: Random, shape: tuple, size: float) -> np.ndarray:
    """Boxes in the last axis: two corners, the first before the second."""
    boxes = random.uniform(0, size, shape)
    first, second = boxes[..., :2].copy(), boxes[..., 2:4].copy()
    boxes[..., :2], boxes[..., 2:4] = np.minimum(first, second), np.maximum(first, second) + 0.05 * size
    return boxes


def _rois(random: Random, shape: tuple, batch: int, size: float) -> np.ndarray:
    """Regions of images: the number of the image, then two corners."""
    corners = _corners(random, (*shape[:-1], 4), size)
    return np.concatenate([random.randint(0, batch, (*shape[:-1], 1)), corners], axis=-1)


def _rotated_rois(random: Random, shape: tuple, batch: int, size: float) -> np.ndarray:
    """Regions of images: the number of the image, a centre, width and height, and an angle in degrees."""
    places = random.uniform(0.2 * size, 0.8 * size, (*shape[:-1], 4))
    numbers, angles = random.randint(0, batch, (*shape[:-1], 1)), random.uniform(-90, 90, (*shape[:-1], 1))
    return np.concatenate([numbers, places, angles], axis=-1)


def _detections(random: Random, shape: tuple) -> np.ndarray:
    """Rows of a class, a score and two corners."""
    rows = np.concatenate([np.zeros((*shape[:-1], 2)), _corners(random, (*shape[:-1], 4), 1.0)], axis=-1)
    rows[..., 0] = random.randint(-1, 3, shape[:-1])
    rows[..., 1] = random.permutation(rows[..., 1].size).reshape(shape[:-1]) / rows[..., 1].size
    return rows


def _probabilities(random: Random, shape: tuple, axis: int) -> np.ndarray:
    numbers = random.uniform(0.05, 1, shape)
    return numbers / numbers.sum(axis=axis, keepdims=True)


def _distinct(random: Random, shape: tuple, stop: int) -> np.ndarray:
    return random.permutation(stop)[: int(np.prod(shape))].reshape(shape)


def _positions(random: Random, shape: tuple, *extents: int) -> np.ndarray:
    """Distinct positions in a tensor, one in each column."""
    flat = random.permutation(int(np.prod(extents)))[: int(np.prod(shape[1:]))]
    return np.array(np.unravel_index(flat, extents)).reshape(shape)


def _indices(random: Random, shape: tuple, *extents: int) -> np.ndarray:
    """Indices whose row ``i`` is below ``extents[i]``."""
    return np.array([random.randint(0, extent, shape[1:]) for extent in extents])


def _grid(random: Random, shape: tuple) -> np.ndarray:
    return random.uniform(-1.2, 1.2, shape)


def _affine(random: Random, shape: tuple) -> np.ndarray:
    return np.array([1, 0, 0, 0, 1, 0]) + random.uniform(-0.4, 0.4, shape)


def _increasing(random: Random, shape: tuple) -> np.ndarray:
    return np.cumsum(random.uniform(0.2, 1, shape), axis=-1) - 2


def _mask(random: Random, shape: tuple) -> np.ndarray:
    mask = random.rand(*shape) > 0.5
    mask.reshape(-1)[0] = True
    return mask


DRAWN: dict[str, Callable[..., Any]] = {
    "integers": _integers,
    "uniform": _uniform,
    "constant": _constant,
    "definite": _definite,
    "regular": _regular,
    "separated": _separated,
    "triangular": _triangular,
    "corners": _corners,
    "rois": _rois,
    "rotated rois": _rotated_rois,
    "detections": _detections,
    "probabilities": _probabilities,
    "distinct": _distinct,
    "positions": _positions,
    "indices": _indices,
    "grid": _grid,
    "affine": _affine,
    "increasing": _increasing,
    "mask": _mask,
}
"""By name: a function of the random numbers, the shape and the arguments that a constraint states."""
