"""Make the rows of a report from observed and recorded arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.matching.plan_entries import Pair
from neutral.verification.comparison import Comparison, compare, likely_cause
from neutral.verification.report import Row
from neutral.verification.rounding import Rounding

if TYPE_CHECKING:
    import numpy as np


def compare_to_row(
    observed: np.ndarray,
    golden: np.ndarray,
    tolerance: float | None,
    source: str,
    pair: Pair | None,
    hint: str = "",
    rounding: Rounding | None = None,
) -> Row:
    """Compare an observed array with its recorded one.

    Args:
        observed: The array that the module computed.
        golden: The recorded array, in the module's layout.
        tolerance: The largest allowed error, in units of the largest golden magnitude; None for what follows from
            ``rounding``.
        source: The name of the recorded tensor or node.
        pair: The pair of the plan, None for an output of the network.
        hint: The likely cause of a difference, if it is known already.
        rounding: The arithmetic that leads to the value; None where it is unknown.

    Returns:
        The row of the report; where the arrays differ by more than ``tolerance``, with a hint.

    Example:
        >>> import numpy
        >>> compare_to_row(numpy.array([1.0, 2.0]), numpy.array([1.0, 2.0]), 1e-5, "y", None).ok
        True
    """
    comparison = compare(observed, golden)
    rounding = rounding or Rounding(1, 1)
    tolerance = rounding.tolerance(is_output=pair is None) if tolerance is None else tolerance
    if not comparison.within(tolerance) and not hint:
        hint = _cause(observed, golden, comparison, rounding, "" if pair is None else pair.kind)
    return Row(
        layer=None if pair is None else pair.layer,
        module=None if pair is None else pair.module,
        kind="" if pair is None else pair.kind,
        source=source,
        shape=golden.shape,
        comparison=comparison,
        tolerance=tolerance,
        hint=hint,
    )


def _cause(observed: np.ndarray, golden: np.ndarray, comparison: Comparison, rounding: Rounding, kind: str) -> str:
    """Return the cause that has evidence of its own, or else rounding, if it leaves errors of this size."""
    error = comparison.scaled_error
    is_rounding = not comparison.exact and rounding.explains(error)
    if is_rounding and error <= 16 * rounding.unit:
        return f"rounding: {rounding}"
    shapes = "" if observed.shape == golden.shape else f"{observed.shape} against {golden.shape}: "
    cause = likely_cause(observed, golden, kind)
    return shapes + (cause or (f"rounding: {rounding}" if is_rounding else ""))
