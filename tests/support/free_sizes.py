"""Sizes that a program leaves free when it is exported."""

from __future__ import annotations

import pytest
import torch

COMPARES_SIZES = (2, 9)
"""The version of torch from which on it exports free sizes: 2.8, the last for Python 3.9, finds infinity below 0."""


def free_size(name: str, minimum: int | None = None) -> torch.export.Dim:
    """Return a free size, or skip the test where this torch cannot export with one."""
    if tuple(map(int, torch.__version__.split(".")[:2])) < COMPARES_SIZES:
        pytest.skip(f"torch {torch.__version__} cannot export with a free size")
    return torch.export.Dim(name, min=minimum)
