"""Make the rows of a report from observed and recorded arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutral.matching.plan import Pair
from neutral.verification.comparison import compare, likely_cause
from neutral.verification.report import Row

if TYPE_CHECKING:
    import numpy as np


def compare_to_row(
    observed: np.ndarray, golden: np.ndarray, tolerance: float, source: str, pair: Pair | None, hint: str = ""
) -> Row:
    """Compare an observed array with its recorded one.

    Args:
        observed: The array that the module computed.
        golden: The recorded array, in the module's layout.
        tolerance: The largest allowed error, in units of the largest golden magnitude.
        source: The name of the recorded tensor or node.
        pair: The pair of the plan, None for an output of the network.
        hint: The likely cause of a difference, if it is known already.

    Returns:
        The row of the report; where the arrays differ by more than ``tolerance``, with a hint.

    Example:
        >>> import numpy
        >>> compare_to_row(numpy.array([1.0, 2.0]), numpy.array([1.0, 2.0]), 1e-5, "y", None).ok
        True
    """
    comparison = compare(observed, golden)
    if not comparison.within(tolerance):
        shapes = "" if observed.shape == golden.shape else f"{observed.shape} against {golden.shape}: "
        hint = hint or shapes + likely_cause(observed, golden)
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
