"""Loops."""

from __future__ import annotations

import torch
from torch import Tensor


def stack_padded(items: list[Tensor], size: int) -> Tensor:
    """Stack items along a new first axis of the given size, and pad it with 0.

    Args:
        items: At most ``size`` tensors of equal shape, at least one.
        size: The extent of the first axis of the result.

    Returns:
        A tensor (size, *shape of an item).
    """
    stacked = torch.stack(items)
    return torch.cat((stacked, stacked.new_zeros((size - len(items),) + stacked.shape[1:])))
