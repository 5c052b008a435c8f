"""Shapes that PyTorch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


def depth_to_space(x: Tensor, size: int) -> Tensor:
    """Blocks of the channels, which come first among them, as squares of pixels."""
    blocks = x.unflatten(1, (size, size, -1))
    return blocks.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)


def space_to_depth(x: Tensor, size: int) -> Tensor:
    """Squares of pixels as blocks of the channels, which come first among them."""
    squares = x.unflatten(3, (-1, size)).unflatten(2, (-1, size))
    return squares.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


def shape_of(x: Tensor) -> Tensor:
    """The shape as a tensor, which follows the input in a traced module too."""
    if torch.jit.is_tracing():
        return torch.stack([torch.as_tensor(extent, device=x.device) for extent in x.shape])
    return torch.tensor(x.shape, device=x.device)
