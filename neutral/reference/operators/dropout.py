"""Dropout."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from neutral.reference.registry import Array, reference


@reference("dropout", context="random")
def dropout(input: Array, p: float, shared_axes: Sequence[int], always: bool, random: np.random.Generator) -> Array:
    if not always:
        return input
    shape = [1 if axis in shared_axes else extent for axis, extent in enumerate(input.shape)]
    return np.where(random.random(shape) < p, 0, input / (1 - p))
