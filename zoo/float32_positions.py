"""Resize as MXNet does in float64: it computes the positions of samples in float32, whatever the data's dtype."""

from __future__ import annotations

from contextlib import contextmanager
from inspect import signature
from typing import Any, Iterator
from unittest import mock

import torch
import torch.nn.functional as F

_interpolate = F.interpolate


@contextmanager
def float32_positions() -> Iterator[None]:
    """Let ``F.interpolate`` compute positions in float32 where it resizes float64 images bilinearly."""
    with mock.patch("torch.nn.functional.interpolate", _resize):
        yield


def _resize(*arguments: Any, **options: Any) -> torch.Tensor:
    given = signature(_interpolate).bind(*arguments, **options).arguments
    x, size = given["input"], given.get("size")
    if given.get("mode") != "bilinear" or x.dtype != torch.float64 or size is None:
        return _interpolate(*arguments, **options)
    height, width = (size, size) if isinstance(size, int) else size
    aligned = bool(given.get("align_corners"))
    rows, columns = _weights(x.shape[2], height, aligned), _weights(x.shape[3], width, aligned)
    return torch.einsum("nchw,yh,xw->ncyx", x, rows, columns)


def _weights(size: int, result: int, aligned: bool) -> torch.Tensor:
    """Return the weight of each pixel of a row of ``size`` for each of ``result`` samples, a matrix."""
    if size == result:
        return torch.eye(size, dtype=torch.float64)
    steps = torch.arange(result, dtype=torch.float32)
    if aligned:
        scale = torch.tensor(size - 1, dtype=torch.float32) / (result - 1) if result > 1 else torch.tensor(0.0)
        positions = scale * steps
    else:
        scale = torch.tensor(size, dtype=torch.float32) / result
        positions = (scale.double() * (steps.double() + 0.5) - 0.5).float().clamp(min=0)
    below = positions.to(torch.int64)
    after = (positions - below).to(torch.float64)
    weights = torch.zeros(result, size, dtype=torch.float64)
    weights[torch.arange(result), below] += 1 - after
    weights[torch.arange(result), (below + 1).clamp(max=size - 1)] += after
    return weights
