"""Reductions that torch has no function for."""

from __future__ import annotations

from torch import Tensor


def other_axes(x: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return all axes but these."""
    excluded = {axis % x.ndim for axis in axes}
    others = tuple(axis for axis in range(x.ndim) if axis not in excluded)
    if not others:
        raise ValueError(f"a tensor with {x.ndim} axes has none besides {axes}")
    return others


def product(x: Tensor, axes: tuple[int, ...], keepdim: bool = False) -> Tensor:
    """Multiply over several axes."""
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x
