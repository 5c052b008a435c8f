"""Filling a module's tensors, one at a time: in place, or on the ``meta`` device by replacement."""

from __future__ import annotations

from typing import Any, Mapping

import torch
from torch import nn

from neutral.tensor import Tensor
from neutral_to_torch.adapters.state import COUNTER, Location, locations, replace, state_of
from neutral_to_torch.loading import sharded
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.loading.tensors import Mapped, dtype_of, read, read_into


def fill(
    module: nn.Module,
    sources: Mapping[str, tuple[str, Tensor]],
    constants: Mapping[str, float],
    dtype: torch.dtype | None,
    device: torch.device | None,
) -> None:
    """Fill the tensors that ``sources`` (key and stored tensor) and ``constants`` name by their state dict's names.

    ``dtype`` and ``device`` are those of the whole module after, tensors that are not filled too.
    """
    places = locations(module)
    mapped = Mapped()
    keys: set[str] = set()
    filled: set[int] = set()
    targets = state_of(module)
    for name in (*sources, *constants):
        target = targets[name]
        if id(target) in filled:
            continue
        filled.add(id(target))
        if is_sharded(target):
            _fill_sharded(target, sources.get(name), constants.get(name, 0.0), places[id(target)], dtype)
            continue
        if name in constants:
            _fill_constant(target, constants[name], places[id(target)], dtype, device)
            continue
        key, tensor = sources[name]
        if target.is_meta:
            value = _conform(mapped.get(tensor), target)
            if key in keys:
                value = value.clone()  # what is one tensor in the store and two in the module must not share memory
            keys.add(key)
            replace(places[id(target)], value.to(dtype=target_dtype(target, dtype_of(tensor), dtype), device=device))
        else:
            _move(target, target_dtype(target, dtype_of(tensor), dtype), device)
            _copy(target, tensor)
    _make_counters(module, device)
    for rest in (*module.parameters(), *module.buffers()):
        if id(rest) not in filled and not rest.is_meta and not is_sharded(rest):
            rest.data = rest.detach().to(device=device, dtype=target_dtype(rest, rest.dtype, dtype))


def _fill_sharded(
    target: Any,
    source: tuple[str, Tensor] | None,
    constant: float,
    places: list[Location],
    dtype: torch.dtype | None,
) -> None:
    if source is None:
        new = sharded.filled_with(target, constant, target_dtype(target, target.dtype, dtype))
    else:
        new = sharded.filled(target, source[1], target_dtype(target, dtype_of(source[1]), dtype))
    if new is not None:
        replace(places, new)


def target_dtype(target: torch.Tensor, stored: torch.dtype, asked: torch.dtype | None) -> torch.dtype:
    """The dtype a module's tensor will have: as asked; else its own, or on the ``meta`` device the stored one."""
    if not target.is_floating_point():
        return target.dtype
    if asked is not None:
        return asked
    return stored if target.is_meta and stored.is_floating_point else target.dtype


def _fill_constant(
    target: torch.Tensor,
    value: float,
    places: list[Location],
    dtype: torch.dtype | None,
    device: torch.device | None,
) -> None:
    wanted = target_dtype(target, target.dtype, dtype)
    if target.is_meta:
        replace(places, torch.full(target.shape, value, dtype=wanted, device=device or "cpu"))
    else:
        _move(target, wanted, device)
        target.detach().fill_(value)


def _move(target: torch.Tensor, dtype: torch.dtype, device: torch.device | None) -> None:
    """Give a tensor another dtype or device and stay the same object. Its values are about to be overwritten."""
    if target.dtype != dtype or device not in (None, target.device):
        target.data = torch.empty_like(target, dtype=dtype, device=device)


def _copy(target: torch.Tensor, tensor: Tensor) -> None:
    """Read a stored tensor over an existing one, without memory in between where the bytes are the same."""
    same = target.dtype == dtype_of(tensor) and target.numel() == tensor.size
    if same and target.device.type == "cpu" and target.is_contiguous():
        read_into(tensor, target)
    else:
        target.detach().copy_(_conform(read(tensor), target))


def _conform(value: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """In the target's shape: one slope for all channels, equal slopes as one, leading ones added or dropped."""
    if value.shape == target.shape:
        return value
    if value.numel() == target.numel():
        return value.reshape(target.shape)
    return value.reshape(-1)[:1].expand(target.shape).contiguous()


def _make_counters(module: nn.Module, device: torch.device | None) -> None:
    for owner in module.modules():
        counter = owner._buffers.get(COUNTER)
        if counter is not None and counter.is_meta:
            owner._buffers[COUNTER] = torch.zeros(counter.shape, dtype=counter.dtype, device=device or "cpu")
