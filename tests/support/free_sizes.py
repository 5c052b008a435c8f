"""Sizes that a program leaves free when it is exported."""

from __future__ import annotations

import pytest
import torch


def free_size(name: str, minimum: int | None = None) -> torch.export.Dim:
    """Return a free size, or skip the test where torch compares infinite sizes wrongly (2.8, on Python 3.9)."""
    try:
        return torch.export.Dim(name, min=minimum)
    except AssertionError as error:
        pytest.skip(f"torch.export fails: {error}")
