"""Inputs that are moved by rounding, to measure how far a module's own results move."""

from __future__ import annotations

import torch


def moved(x: torch.Tensor, move: float, random: torch.Generator) -> torch.Tensor:
    """Return a tensor whose every number is moved by a fraction of itself, up or down; integers as they are.

    Args:
        x: The tensor.
        move: The fraction.
        random: Draws the directions.

    Returns:
        A tensor of the same dtype, which requires a gradient if ``x`` does.
    """
    if not x.is_floating_point():
        return x
    signs = 2 * torch.randint(2, x.shape, generator=random).to(x.dtype) - 1
    return (x.detach() * (1 + move * signs)).requires_grad_(x.requires_grad)
