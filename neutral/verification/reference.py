"""Samples of a run in float64, against which the rounding of a run in float32 is measured."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Hashable, Sequence

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 1 << 16
"""The number of elements of an array that are kept, evenly spread over it."""


class Reference:
    """Samples of the outputs of every call of some modules, so that memory stays small.

    Example:
        >>> import numpy
        >>> reference = Reference()
        >>> reference.record("fc", [numpy.array([1.0, 2.0])])
        >>> reference.error("fc", 0, 0, numpy.array([1.0, 2.5]))
        0.25
    """

    def __init__(self) -> None:
        self._calls: dict[Hashable, list[list[np.ndarray]]] = defaultdict(list)

    def record(self, target: Hashable, outputs: Sequence[np.ndarray]) -> None:
        """Keep samples of the outputs of a call.

        Args:
            target: The module that was called, or any key for it.
            outputs: Its outputs, computed in float64.
        """
        self._calls[target].append([_sample(output) for output in outputs])

    def error(self, target: Hashable, call: int, index: int, output: np.ndarray) -> float | None:
        """Return the largest difference of an output from that in float64.

        Args:
            target: The module.
            call: The number of the call, from 0.
            index: The number of the output.
            output: The output.

        Returns:
            The difference in units of the largest magnitude in float64; None where there is no such output.
        """
        import numpy as np

        calls = self._calls.get(target, [])
        if call >= len(calls) or index >= len(calls[call]) or output.dtype.kind not in "f":
            return None
        expected, observed = calls[call][index], _sample(output)
        if expected.shape != observed.shape or not expected.size or not np.isfinite(expected).all():
            return None
        scale = float(np.abs(expected).max())
        error = float(np.abs(observed - expected).max())
        return error / scale if scale and np.isfinite(error) else None


def _sample(array: np.ndarray) -> np.ndarray:
    """Return elements at a regular distance; an odd one, so that rows and columns all have their turn."""
    import numpy as np

    flat = array.reshape(-1)
    return flat[:: max(1, flat.size // SAMPLES) | 1].astype(np.float64)
