"""Sequences of given lengths."""

from __future__ import annotations

import torch
from torch import Tensor


def mask_sequence(x: Tensor, lengths: Tensor, axis: int, value: float = 0.0) -> Tensor:
    """Fill ``x`` with ``value`` after the end of each sample; ``axis`` of time is 0 or 1.

    Args:
        x: Sequences (time, batch, ...), or (batch, time, ...) with an axis of 1.
        lengths: The number of steps of each sample, (batch,).
        axis: The axis of time.
        value: The value after the end.

    Returns:
        Sequences of the shape of ``x``.
    """
    time = torch.arange(x.shape[axis], device=x.device)
    inside = time[:, None] < lengths.long() if axis == 0 else time < lengths.long()[:, None]
    return x.masked_fill(~inside.reshape(inside.shape + (1,) * (x.dim() - 2)), value)


def last_of_sequence(x: Tensor, lengths: Tensor, axis: int) -> Tensor:
    """Take the last position of each sample; ``axis`` of time is 0 or 1.

    Args:
        x: Sequences (time, batch, ...), or (batch, time, ...) with an axis of 1.
        lengths: The number of steps of each sample, (batch,), at least 1.
        axis: The axis of time.

    Returns:
        Steps (batch, ...).
    """
    samples = torch.arange(x.shape[1 - axis], device=x.device)
    last = lengths.long() - 1
    return x[last, samples] if axis == 0 else x[samples, last]


def reverse_sequence(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse (time, batch, ...) within the length of each sample.

    Args:
        x: Sequences (time, batch, ...).
        lengths: The number of steps of each sample, (batch,).

    Returns:
        Sequences of the shape of ``x``; steps after the end stay where they are.
    """
    time = torch.arange(x.shape[0], device=x.device)[:, None]
    lengths = lengths.long()
    source = torch.where(time < lengths, lengths - 1 - time, time)
    return x[source, torch.arange(x.shape[1], device=x.device)]
