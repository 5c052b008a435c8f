"""Lines of NumPy code and the arrays that they speak of."""

from __future__ import annotations

import numpy as np


def given(expression: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Of the arrays those that the expression speaks of."""
    names = compile(expression, "", "eval").co_names
    return {name: value for name, value in arrays.items() if name in names}
