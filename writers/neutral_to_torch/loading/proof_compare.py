"""Compare the outputs and layers of a module with those of the store's own model."""

from __future__ import annotations

from typing import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from neutral.matching.equivalence import AXIS_ORDERS, AxisOrder
from neutral_to_torch.loading.probe import axis_permutation

TOLERANCE = 1e-6
"""The largest error in double precision, in units of the largest value of the store's model."""

SINGLE_TOLERANCE = 1e-4
"""The largest error where the module or the stored graph computes in single precision."""


def error_of(stored: torch.Tensor, module: torch.Tensor) -> float:
    """Return the largest difference in units of the stored tensor's scale, in the axis order in which it is least.

    Args:
        stored: The value of the store's model; where it is not finite, nothing is compared.
        module: The module's value.

    Returns:
        The error, relative to the scale.

    Example:
        >>> error_of(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
        0.5
    """
    return min(_errors(stored, module).values(), default=float("inf"))


def is_moved(stored: torch.Tensor, module: torch.Tensor, tolerance: float) -> bool:
    """Return whether two values agree in another order of axes only.

    Args:
        stored: The value of the store's model.
        module: The module's value.
        tolerance: The largest error of equal values.

    Example:
        >>> value = torch.arange(6.0).reshape(1, 2, 3)
        >>> is_moved(value, value.transpose(1, 2), 1e-6), is_moved(value, value, 1e-6)
        (True, False)
    """
    errors = _errors(stored, module)
    return min(errors.values(), default=float("inf")) <= tolerance < errors.get("same", float("inf"))


_ORDERS: tuple[AxisOrder, ...] = tuple(order for order in AXIS_ORDERS if order != "unbatched")
"""Axes of one element are left out of the comparison, so that an unbatched value is in the same order."""


def _errors(stored: torch.Tensor, module: torch.Tensor) -> dict[AxisOrder, float]:
    """Return the error in each axis order that fits; of orders that are equal for this shape, the first."""
    a, b = _array(stored), _array(module)
    extents = [extent for extent in a.shape if extent != 1]
    errors: dict[AxisOrder, float] = {}
    compared = set()
    for order in sorted(_ORDERS, key=lambda order: order != "same"):
        axes = axis_permutation(b.ndim, order)
        longer = tuple(axis for axis in axes if b.shape[axis] != 1)
        if longer not in compared and [b.shape[axis] for axis in longer] == extents:
            compared.add(longer)
            errors[order] = _error(a.ravel(), b.transpose(axes).ravel())
    return errors


def _array(value: torch.Tensor) -> NDArray[np.float64]:
    """Return a value as an array: its arithmetic passes by the dispatch modes in which the models run."""
    return value.detach().to("cpu", torch.float64).numpy()


def _error(stored: NDArray[np.float64], module: NDArray[np.float64]) -> float:
    finite = np.isfinite(stored)
    if not finite.all():
        if not np.isinf(module[np.isinf(stored)]).all():
            return float("inf")
        stored, module = stored[finite], module[finite]
    if not np.isfinite(module).all():
        return float("inf")
    if stored.size == 0:
        return 0.0
    scale = float(np.abs(stored).max())
    difference = float(np.abs(stored - module).max())
    return difference / scale if scale else (float("inf") if difference else 0.0)


def output_order(errors: Sequence[Sequence[float]], tolerance: float) -> tuple[int, ...] | None:
    """Return the stored output that each output of the module equals, -1 for none; None where one is wrong.

    The order of the stored outputs is preferred. Either side may have outputs that the other lacks.

    Args:
        errors: The error of each output of the module (row) against each stored output (column).
        tolerance: The largest error of equal outputs.

    Example:
        >>> output_order([[9.0, 0.0], [0.0, 9.0]], 1e-6), output_order([[0.0, 9.0]], 1e-6)
        ((1, 0), (0,))
    """
    rows, columns = len(errors), len(errors[0]) if errors else 0
    equal = [[error <= tolerance for error in row] for row in errors]
    for increasing in (True, False):
        places = [-1] * rows
        for row in range(rows):
            after = max(places) if increasing else -1
            free = [column for column in range(after + 1, columns) if equal[row][column] and column not in places]
            if row in free and not increasing:
                places[row] = row
            elif free:
                places[row] = free[0]
        if min(rows, columns) and sum(place >= 0 for place in places) == min(rows, columns):
            return tuple(places)
    return None
