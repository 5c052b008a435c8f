"""Activations that PyTorch does not offer in this form."""

from __future__ import annotations

import torch
from torch import Tensor


def softmax_of_length(x: Tensor, length: Tensor, dim: int) -> Tensor:
    """Softmax over the first ``length`` positions along ``dim``; the others give 0."""
    position = torch.arange(x.shape[dim], device=x.device)
    inside = (position < length.unsqueeze(-1)).movedim(-1, dim)
    return masked_softmax(x, inside, dim)


def masked_softmax(x: Tensor, mask: Tensor, dim: int) -> Tensor:
    """Softmax along ``dim`` where the mask is not 0; elsewhere 0."""
    hidden = mask == 0
    lowest = torch.finfo(x.dtype).min
    return x.masked_fill(hidden, lowest).softmax(dim).masked_fill(hidden, 0)


def masked_log_softmax(x: Tensor, mask: Tensor, dim: int) -> Tensor:
    """Log-softmax along ``dim`` where the mask is not 0; elsewhere minus infinity."""
    hidden = mask == 0
    lowest = torch.finfo(x.dtype).min
    return x.masked_fill(hidden, lowest).log_softmax(dim).masked_fill(hidden, -float("inf"))
