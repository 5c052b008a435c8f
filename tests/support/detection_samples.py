"""Attributes of detection operators, and boxes from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks import torch

REGIONS = torch.tensor([[0, 1, 1, 8, 9], [1, 0, 0, 5, 5], [1, 2, 2, 4, 9.0]])
"""Rows (image, corner box) for a batch of two."""

ALIGN = {"output_size": (3, 3), "spatial_scale": 1.0, "aligned": False, "position_sensitive": False}
NMS = {
    "overlap_threshold": 0.5, "valid_threshold": 0.01, "coord_start": 2, "score_index": 1, "class_index": 0,
    "background": -1, "across_classes": False, "in_format": "corner", "out_format": "corner", "top_k": 5,
}  # fmt: skip
SSD = {
    "threshold": 0.1, "overlap_threshold": 0.5, "top_k": 10, "across_classes": False,
    "variances": (0.1, 0.1, 0.2, 0.2), "clip": True,
}  # fmt: skip
PRIOR = {"sizes": (0.2, 0.3), "ratios": (1.0, 2.0), "steps": None, "offsets": (0.5, 0.5), "clip": False}
MATCH = {"smallest": False, "threshold": 0.1, "limit": None}


def uniform(*shape: int, seed: int = 1) -> Any:
    """Return numbers from 0 to 1."""
    return torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32))


def boxes(*shape: int) -> Any:
    """Return corner boxes (*shape, 4)."""
    x = uniform(*shape, 4)
    return torch.cat([x[..., :2], x[..., :2] + x[..., 2:]], dim=-1)


def detections(*shape: int) -> Any:
    """Return rows (class, score, corner box) of two classes, (*shape, 6)."""
    return torch.cat([uniform(*shape, 1).round(), uniform(*shape, 1, seed=2), boxes(*shape)], dim=-1)
