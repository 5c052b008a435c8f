"""Fill a module's tensors, one at a time: in place, or on the ``meta`` device by replacement."""

from __future__ import annotations

from math import prod
from typing import Any, Mapping

import torch
from torch import nn

from neutral.tensor import Tensor
from neutral_to_torch.adapters.state import COUNTER, locations, own_tensors, replace, state_of
from neutral_to_torch.loading import sharded
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.loading.tensors import MemoryMaps, dtype_of, read, read_into


def fill(
    module: nn.Module,
    sources: Mapping[str, tuple[str, Tensor]],
    constants: Mapping[str, float],
    dtype: torch.dtype | None,
    device: torch.device | None,
) -> None:
    """Fill tensors of a module.

    Args:
        module: The module.
        sources: The key and the stored tensor for each tensor of the module, by its name in the state dict.
        constants: The number that fills each further tensor, by its name in the state dict.
        dtype: The dtype of all floating tensors after, those that are not filled too; None to keep theirs.
        device: The device of all tensors after; None to keep theirs.
    """
    filler = _Filler(module, dtype, device)
    for name in (*sources, *constants):
        filler.fill(name, None if name in constants else sources[name], constants.get(name, 0.0))
    filler.finish()


def target_dtype(target: torch.Tensor, stored: torch.dtype, requested: torch.dtype | None) -> torch.dtype:
    """Return the dtype that a module's tensor will have.

    Args:
        target: The module's tensor.
        stored: The dtype of the stored tensor.
        requested: The dtype for all floating tensors, None to keep the target's; on ``meta``, the stored one.

    Example:
        >>> target_dtype(torch.zeros(2), torch.float16, None)
        torch.float32
    """
    if not target.is_floating_point():
        return target.dtype
    if requested is not None:
        return requested
    return stored if target.is_meta and stored.is_floating_point else target.dtype


class _Filler:
    def __init__(self, module: nn.Module, dtype: torch.dtype | None, device: torch.device | None) -> None:
        self.module = module
        self.dtype = dtype
        self.device = device
        self.targets = state_of(module)
        self.locations = locations(module)
        self.maps = MemoryMaps()
        self.used_keys: set[str] = set()
        self.filled: set[int] = set()

    def fill(self, name: str, source: tuple[str, Tensor] | None, constant: float) -> None:
        """Fill a tensor from a source, or without one with a constant; once, where it has several names."""
        target = self.targets[name]
        if id(target) in self.filled:
            return
        self.filled.add(id(target))
        if is_sharded(target):
            self._fill_sharded(target, source, constant)
        elif source is None:
            self._fill_constant(target, constant)
        elif target.is_meta:
            self._replace(target, *source)
        else:
            tensor = source[1]
            _move(target, target_dtype(target, dtype_of(tensor), self.dtype), self.device)
            _copy(target, tensor)

    def finish(self) -> None:
        """Make batch counters, and move the tensors that were not filled."""
        for owner in self.module.modules():
            counter = own_tensors(owner).get(COUNTER)
            if counter is not None and counter.is_meta:
                owner._buffers[COUNTER] = torch.zeros(counter.shape, dtype=counter.dtype, device=self.device or "cpu")
        for tensor in (*self.module.parameters(), *self.module.buffers()):
            if id(tensor) not in self.filled and not tensor.is_meta and not is_sharded(tensor):
                dtype = target_dtype(tensor, tensor.dtype, self.dtype)
                tensor.data = tensor.detach().to(device=self.device, dtype=dtype)

    def _replace(self, target: torch.Tensor, key: str, tensor: Tensor) -> None:
        value = _conform(self.maps.get(tensor), target)
        if key in self.used_keys:
            value = value.clone()  # one tensor of the store is two of the module, which must not share memory
        self.used_keys.add(key)
        dtype = target_dtype(target, dtype_of(tensor), self.dtype)
        replace(self.locations[id(target)], value.to(dtype=dtype, device=self.device))

    def _fill_sharded(self, target: Any, source: tuple[str, Tensor] | None, constant: float) -> None:
        if source is None:
            new = sharded.fill_constant(target, constant, target_dtype(target, target.dtype, self.dtype))
        else:
            new = sharded.fill(target, source[1], target_dtype(target, dtype_of(source[1]), self.dtype))
        if new is not None:
            replace(self.locations[id(target)], new)

    def _fill_constant(self, target: torch.Tensor, value: float) -> None:
        dtype = target_dtype(target, target.dtype, self.dtype)
        if target.is_meta:
            new = torch.full(target.shape, value, dtype=dtype, device=self.device or "cpu")
            replace(self.locations[id(target)], new)
        else:
            _move(target, dtype, self.device)
            target.detach().fill_(value)


def _move(target: torch.Tensor, dtype: torch.dtype, device: torch.device | None) -> None:
    """Change the dtype or device of a tensor, which stays the same object. Its values are about to be overwritten."""
    if target.dtype != dtype or device not in (None, target.device):
        target.data = torch.empty_like(target, dtype=dtype, device=device)


def _copy(target: torch.Tensor, tensor: Tensor) -> None:
    """Read a stored tensor into an existing one, without a copy between if the bytes are the same."""
    same = target.dtype == dtype_of(tensor) and target.numel() == tensor.size
    if same and target.device.type == "cpu" and target.is_contiguous():
        read_into(tensor, target)
    else:
        target.detach().copy_(_conform(read(tensor), target))


def has_shape_of(stored: tuple[int, ...], target: torch.Tensor) -> bool:
    """Return whether a stored tensor has the shape of a module's, or one in which each element keeps its place.

    That is so if the shapes differ in extents of 1 only, or one is the matrix (out, everything else) of the other. One
    number may also stand for all channels, and equal ones for one.

    Args:
        stored: The stored tensor's shape.
        target: The module's tensor.

    Returns:
        True if the stored tensor can fill the module's.

    Example:
        >>> has_shape_of((4, 3), torch.zeros(4, 3, 1, 1)), has_shape_of((4, 3), torch.zeros(3, 4))
        (True, False)
    """
    shape = tuple(target.shape)
    if _without_ones(stored) == _without_ones(shape):
        return True
    if 1 in (prod(stored), prod(shape)) and len(shape) <= 1:
        return True
    is_matrix = 2 in (len(stored), len(shape)) and stored[:1] == shape[:1]
    return is_matrix and prod(stored) == prod(shape)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(extent for extent in shape if extent != 1)


def _conform(value: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Reshape a value to the target, whose shape it has according to :func:`has_shape_of`."""
    if value.shape == target.shape:
        return value
    assert has_shape_of(tuple(value.shape), target), f"a value of {tuple(value.shape)} for {tuple(target.shape)}"
    if value.numel() == target.numel():
        return value.reshape(target.shape)
    return value.reshape(-1)[:1].expand(target.shape).contiguous()
