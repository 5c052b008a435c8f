"""Compare the outputs and layers of a module with those of the store's own model."""

from __future__ import annotations

from typing import Sequence

import torch

from neutral.matching.equivalence import AXIS_ORDERS, AxisOrder
from neutral_to_torch.loading.probe import reorder_axes


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
    errors = [_error(stored, reorder_axes(module, order)) for order in AXIS_ORDERS if _fits(stored, module, order)]
    return min(errors, default=float("inf"))


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
    plain = [_error(stored, reorder_axes(module, order)) for order in _PLAIN if _fits(stored, module, order)]
    return error_of(stored, module) <= tolerance < min(plain, default=float("inf"))


_PLAIN: tuple[AxisOrder, ...] = ("unbatched", "same")


def _fits(stored: torch.Tensor, module: torch.Tensor, order: AxisOrder) -> bool:
    if order == "unbatched" and (module.dim() < 2 or module.shape[0] != 1):
        return False
    moved = reorder_axes(module, order)
    return _extents(moved) == _extents(stored)


def _extents(value: torch.Tensor) -> list[int]:
    return [extent for extent in value.shape if extent != 1]


def _error(stored: torch.Tensor, module: torch.Tensor) -> float:
    if stored.numel() == 0:
        return 0.0
    a, b = stored.detach().reshape(-1).double(), module.detach().reshape(-1).double()
    compared = torch.isfinite(a)
    same_infinite = bool((a.isinf() == b.isinf())[a.isinf()].all())
    a, b = a[compared], b[compared]
    if not same_infinite or not bool(torch.isfinite(b).all()):
        return float("inf")
    if a.numel() == 0:
        return 0.0
    scale = float(a.abs().max())
    difference = float((a - b).abs().max())
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
