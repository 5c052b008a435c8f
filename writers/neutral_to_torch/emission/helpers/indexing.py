"""Indices of floating dtypes or out of range, and stable sorting."""

from __future__ import annotations

import torch
from torch import Tensor


def stable_sort(x: Tensor, axis: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """Sort numbers, and return their positions; equal ones stay in order.

    Args:
        x: A tensor of any shape.
        axis: The axis to sort along.
        descending: Whether the largest is first.

    Returns:
        The sorted tensor, and positions as integers of 64 bits.
    """
    exporting = False if torch.jit.is_scripting() else torch.onnx.is_in_onnx_export()
    if exporting:  # ONNX always sorts that way, but not every exporter says so
        return x.sort(axis, descending)
    return x.sort(dim=axis, descending=descending, stable=True)


def top_k(x: Tensor, count: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """Return the largest (or smallest) numbers and their positions; of equal ones the first.

    Args:
        x: A tensor of any shape.
        count: The number of elements along the axis.
        axis: The axis.
        largest: Whether the largest are taken.

    Returns:
        Elements in order, and positions as integers of 64 bits.
    """
    values, positions = stable_sort(x, axis, descending=largest)
    return values.narrow(axis, 0, count), positions.narrow(axis, 0, count)


def top_k_mask(x: Tensor, count: int, axis: int = -1, largest: bool = True) -> Tensor:
    """Mark the largest (or smallest) numbers by 1, the others by 0.

    Args:
        x: A tensor of any shape.
        count: The number of elements along the axis.
        axis: The axis.
        largest: Whether the largest are marked.

    Returns:
        A tensor of the shape and dtype of ``x``.
    """
    _, positions = top_k(x, count, axis, largest)
    return torch.zeros_like(x).scatter(axis, positions, 1)


def take_at(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Take positions of an axis by an index of any shape; fractions are cut off.

    Args:
        x: A tensor of any shape.
        index: Positions in range, of any dtype.
        axis: The axis, which the axes of ``index`` replace.

    Returns:
        The elements.
    """
    return x.index_select(axis, index.long().flatten()).unflatten(axis, index.shape)


def take(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Take positions of an axis; an index out of range is clamped.

    Args:
        x: A tensor of any shape.
        index: Positions of any dtype and shape.
        axis: The axis, which the axes of ``index`` replace.

    Returns:
        The elements.
    """
    return take_at(x, index.long().clamp(0, x.shape[axis] - 1), axis)


def take_wrapped(x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Take positions of an axis; an index out of range wraps around.

    Args:
        x: A tensor of any shape.
        index: Positions of any dtype and shape.
        axis: The axis, which the axes of ``index`` replace.

    Returns:
        The elements.
    """
    return take_at(x, index.long() % x.shape[axis], axis)


def gather_nd(x: Tensor, index: Tensor) -> Tensor:
    """Take elements, or slices, of the first axes.

    Args:
        x: A tensor of any shape.
        index: For each of the first axes of ``x`` the positions along it, (axes, ...).

    Returns:
        A tensor of the positions' shape, then that of the other axes of ``x``.
    """
    return torch.ops.aten.index(
        x, index.long().unbind()
    )  # TorchScript takes a list in brackets for a tensor


def one_hot(index: Tensor, depth: int) -> Tensor:
    """Return True at the index along a new last axis; nowhere if it is out of range.

    Args:
        index: Positions of any dtype and shape.
        depth: The extent of the new axis.

    Returns:
        A boolean tensor (*shape of index, depth).
    """
    return index.long().unsqueeze(-1) == torch.arange(depth, device=index.device)


def ravel_index(index: Tensor, shape: list[int]) -> Tensor:
    """Convert indices along the first axis to positions in row-major order.

    Args:
        index: Indices (axes, ...).
        shape: The extents of the axes.

    Returns:
        Positions (...), in the dtype of ``index``.
    """
    rows = index.long().unbind()
    place = rows[0]
    for extent, row in zip(shape[1:], rows[1:]):
        place = place * extent + row
    return place.to(index.dtype)


def unravel_index(position: Tensor, shape: list[int]) -> Tensor:
    """Convert positions in row-major order to indices along a new first axis.

    Args:
        position: Positions of any shape.
        shape: The extents of the axes.

    Returns:
        Indices (axes, ...), in the dtype of ``position``.
    """
    rest, indices = position.long(), []
    for extent in shape[:0:-1]:
        indices.append(rest.fmod(extent))
        rest = rest.div(extent, rounding_mode="trunc")
    return torch.stack([rest] + indices[::-1]).to(position.dtype)


@torch.fx.wrap
def mask_update(x: Tensor, mask: Tensor, value: Tensor | float, axis: int = 0) -> Tensor:
    """Replace the elements where a mask is not 0 by those of a value in order, or by its only one.

    Args:
        x: A tensor of any shape.
        mask: A tensor with the extents of ``x`` from ``axis`` on.
        value: A number, or a tensor in which one axis stands for those of the mask, or none.
        axis: The first axis of the mask.

    Returns:
        A tensor of the shape and dtype of ``x``.
    """
    flat = x.flatten(axis, axis + mask.ndim - 1)
    chosen = (mask != 0).flatten()
    value = torch.as_tensor(value, device=x.device).to(x.dtype)
    if value.numel() == 1:
        value = value.reshape([1] * flat.ndim)
    elif value.ndim < flat.ndim:
        value = value.unsqueeze(axis)
    if value.shape[axis] > 1:
        value = value.index_select(axis, (chosen.cumsum(0) - 1).clamp(min=0))
    chosen = chosen.reshape(-1, *[1] * (flat.ndim - axis - 1))
    return torch.where(chosen, value, flat).reshape(x.shape)


@torch.fx.wrap
def insert(
    x: Tensor, value: Tensor | float, positions: Tensor | int, axis: int | None = None
) -> Tensor:
    """Insert a value before positions of an axis.

    Args:
        x: A tensor of any shape.
        value: The value, which broadcasts; before a single position, its first axis is new.
        positions: A position, or a vector of positions; negative ones count from the end.
        axis: The axis; None flattens ``x`` first.

    Returns:
        A tensor in the dtype of ``x``.
    """
    if axis is None:
        x, axis = x.flatten(), 0
    positions = torch.as_tensor(positions, device=x.device)
    value = torch.as_tensor(value, device=x.device).to(x.dtype)
    value = value.reshape(*[1] * (x.ndim - value.ndim), *value.shape)
    if positions.ndim == 0:
        value = value.movedim(0, axis)
    size = x.shape[axis]
    count = value.shape[axis] if positions.numel() == 1 else positions.numel()
    shape = list(x.shape)
    shape[axis] = count
    before = positions.long().flatten().expand(count)
    before = torch.where(before < 0, before + size, before)
    order = torch.cat([2 * before, 2 * torch.arange(size, device=x.device) + 1])
    joined = torch.cat([value.expand(shape), x], axis)
    return joined.index_select(axis, order.argsort(stable=True))


def insert_slice(
    x: Tensor,
    value: Tensor | float,
    start: int | None,
    stop: int | None,
    step: int | None,
    axis: int | None = None,
) -> Tensor:
    """Insert a value before each position of a slice of an axis.

    Args:
        x: A tensor of any shape.
        value: The value, which broadcasts.
        start: The first position; None for the end of the axis.
        stop: The end of the positions; None for the end of the axis.
        step: The step; None for 1.
        axis: The axis; None flattens ``x`` first.

    Returns:
        A tensor in the dtype of ``x``.
    """
    size = x.numel() if axis is None else x.shape[axis]
    positions = range(size)[start:stop:step]
    return insert(x, value, torch.tensor(positions, dtype=torch.int64), axis)
