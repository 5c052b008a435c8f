"""Fill tensors of which each process has a part (``DTensor``: FSDP2, tensor parallelism); read that part only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Sequence

import torch

from neutral.dtypes import ITEM_SIZE
from neutral.tensor import Tensor
from neutral_to_torch.loading.tensors import dtype_of, read

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def is_sharded(target: torch.Tensor) -> bool:
    """Return whether a tensor is spread over processes, without importing ``torch.distributed``.

    Args:
        target: Any tensor.

    Returns:
        True for a ``DTensor``.
    """
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(target, module.DTensor)


def fill(target: DTensor, tensor: Tensor, dtype: torch.dtype) -> torch.Tensor | None:
    """Fill this process's part of a tensor.

    Args:
        target: The tensor.
        tensor: The whole stored tensor.
        dtype: The dtype of the part.

    Returns:
        None where ``target`` was filled in place; on the ``meta`` device, the tensor that replaces it.
    """
    offset, shape = _part_of(target)
    return _store_part(target, _read_part(tensor, tuple(target.shape), offset, shape).to(dtype))


def fill_constant(target: DTensor, value: float, dtype: torch.dtype) -> torch.Tensor | None:
    """Fill this process's part of a tensor with a number.

    Args:
        target: The tensor.
        value: The number.
        dtype: The dtype of the part.

    Returns:
        None where ``target`` was filled in place; on the ``meta`` device, the tensor that replaces it.
    """
    return _store_part(target, torch.full(_part_of(target)[1], value, dtype=dtype))


def _part_of(target: DTensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the offset of this process's part in the whole tensor, and its shape."""
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    shape, offset = compute_local_shape_and_global_offset(target.shape, target.device_mesh, target.placements)
    return tuple(offset), tuple(shape)


def _store_part(target: DTensor, part: torch.Tensor) -> torch.Tensor | None:
    if not target.is_meta:
        target.to_local().detach().copy_(part)
        return None
    from torch.distributed.tensor import DTensor

    return DTensor.from_local(
        part.to(target.device_mesh.device_type),
        target.device_mesh,
        target.placements,
        run_check=False,
        shape=target.shape,
        stride=target.stride(),
    )


def _read_part(tensor: Tensor, whole: tuple[int, ...], offset: Sequence[int], shape: tuple[int, ...]) -> torch.Tensor:
    """Read a box of the stored tensor, reshaped to ``whole``, without the rows outside of it."""
    if tensor.shape != whole:
        if tensor.size == 1:
            return read(tensor).reshape(()).expand(shape)
        tensor = Tensor(tensor.dtype, whole, tensor.content)
    if not whole or 0 in shape:
        return read(tensor) if not whole else torch.empty(shape, dtype=dtype_of(tensor))
    row = tensor.size // whole[0] * ITEM_SIZE[tensor.dtype]
    start, nbytes = offset[0] * row, shape[0] * row
    values = read(Tensor(tensor.dtype, (shape[0], *whole[1:]), lambda: tensor.part(start, nbytes)))
    for axis in range(1, len(whole)):
        values = values.narrow(axis, offset[axis], shape[axis])
    return values
