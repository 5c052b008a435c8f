"""Activations that torch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


def softmax_of_length(x: Tensor, length: Tensor, dim: int) -> Tensor:
    """Apply softmax to the first ``length`` positions along ``dim``; the others give 0.

    Args:
        x: Scores of any shape, floating point.
        length: The number of positions, of the shape of ``x`` without ``dim``.
        dim: The axis.

    Returns:
        Probabilities of the shape of ``x``.
    """
    position = torch.arange(x.shape[dim], device=x.device)
    inside = (position < length.unsqueeze(-1)).movedim(-1, dim)
    return masked_softmax(x, inside, dim)


def masked_softmax(x: Tensor, mask: Tensor, dim: int) -> Tensor:
    """Apply softmax along ``dim`` where the mask is not 0; elsewhere give 0.

    Args:
        x: Scores of any shape, floating point.
        mask: A tensor that broadcasts to ``x``.
        dim: The axis.

    Returns:
        Probabilities of the shape of ``x``.
    """
    hidden = mask == 0
    return x.masked_fill(hidden, -torch.inf).softmax(dim).masked_fill(hidden, 0)


def masked_log_softmax(x: Tensor, mask: Tensor, dim: int) -> Tensor:
    """Apply log-softmax along ``dim`` where the mask is not 0; elsewhere give minus infinity.

    Args:
        x: Scores of any shape, floating point.
        mask: A tensor that broadcasts to ``x``.
        dim: The axis.

    Returns:
        Logarithms of probabilities, of the shape of ``x``.
    """
    hidden = mask == 0
    return x.masked_fill(hidden, -torch.inf).log_softmax(dim).masked_fill(hidden, -torch.inf)
