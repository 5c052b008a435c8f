"""Indices of floating types or out of range, and sorting that does not depend on chance."""

from __future__ import annotations

import torch
from torch import Tensor


def stable_sort(x: Tensor, axis: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """The numbers in order and their positions; equal ones stay in order."""
    if torch.onnx.is_in_onnx_export():  # ONNX always sorts that way, but not every exporter says so
        return x.sort(axis, descending)
    return x.sort(dim=axis, descending=descending, stable=True)


def top_k(x: Tensor, count: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The largest (or smallest) numbers and their positions; of equal numbers the first ones."""
    values, positions = stable_sort(x, axis, descending=largest)
    return values.narrow(axis, 0, count), positions.narrow(axis, 0, count)


def top_k_mask(x: Tensor, count: int, axis: int = -1, largest: bool = True) -> Tensor:
    """1 for the largest (or smallest) numbers, 0 for the others."""
    _, positions = top_k(x, count, axis, largest)
    return torch.zeros_like(x).scatter(axis, positions, 1)


def take_at(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Positions of an axis by an index of any shape, whose fractions are cut off."""
    return x.index_select(axis, index.long().flatten()).unflatten(axis, index.shape)


def take(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Positions of an axis; an index outside is clamped to the nearest end."""
    return take_at(x, index.long().clamp(0, x.shape[axis] - 1), axis)


def take_wrapped(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Positions of an axis; an index outside starts over at the other end."""
    return take_at(x, index.long() % x.shape[axis], axis)


def one_hot(index: Tensor, depth: int) -> Tensor:
    """True at the index along a new last axis; nowhere if it is out of range."""
    return index.long().unsqueeze(-1) == torch.arange(depth, device=index.device)


def ravel_index(index: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Indices along the first axis as positions in row-major order."""
    first, *others = index.long().unbind()
    for extent, other in zip(shape[1:], others):
        first = first * extent + other
    return first.to(index.dtype)


def unravel_index(position: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Positions in row-major order as indices along a new first axis."""
    rest, indices = position.long().flatten(), []
    for extent in shape[:0:-1]:
        indices.append(rest % extent)
        rest = rest // extent
    return torch.stack([rest, *reversed(indices)]).to(position.dtype)
