"""Fill a module by a plan."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Iterator

import torch
from torch import nn

from neutral.errors import MatchError, UsageError
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair, child
from neutral.matching.regroup import regroup_layers
from neutral.store import Store
from neutral.tensor import Tensor
from neutral.text import printable
from neutral.values import numeric_values
from neutral_to_torch.adapters import adapter_of
from neutral_to_torch.adapters.state import COUNTER, own_tensors, state_of, submodule
from neutral_to_torch.loading.emitted import emitted_constants
from neutral_to_torch.loading.fill import fill, has_shape_of, target_dtype
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.loading.sources import find_sources
from neutral_to_torch.loading.tensors import dtype_of

_MAX_WARNING_LINES = 10


def apply_plan(
    module: nn.Module,
    store: Store,
    plan: Plan,
    *,
    set_attributes: bool = False,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Plan:
    """Fill a module by a checked plan.

    Args:
        module: The module.
        store: The store of the plan, its layers regrouped or not.
        plan: The plan.
        set_attributes: Give the module the stored values of attributes that differ.
        dtype: The dtype of all floating tensors after; None to keep the module's.
        device: The device of all tensors after; None to keep the module's.

    Returns:
        The plan with notes on rounding and the attributes that were set.

    Raises:
        MatchError: A tensor cannot hold the stored values. Nothing has been changed.
        UsageError: ``dtype`` or ``device`` are given for a sharded module.
    """
    store = regroup_layers(store, [pair.layer for pair in plan.pairs])
    state = state_of(module)
    sources = {**find_sources(plan, store, state), **emitted_constants(module, store, plan)}
    _check_tensors(module, state, sources)
    _check_shards(state, dtype, device)
    plan = replace(plan, notes=(*plan.notes, *_rounding_notes(state, sources, dtype)))
    if set_attributes:
        plan = replace(plan, pairs=tuple(_set_attributes(module, pair) for pair in plan.pairs))
    fill(module, sources, _constants(plan), dtype, None if device is None else torch.device(device))
    return plan


def warn_of_differences(plan: Plan, stacklevel: int = 2) -> None:
    """Issue one warning for all attributes that change the module's results or layouts and that were not set.

    Args:
        plan: The plan that was applied.
        stacklevel: The number of calls between the caller to be named and this one, as for ``warnings.warn``.
    """
    lines = [
        f"  {pair.module or 'the module'}: {difference}"
        for pair, difference in plan.differences
        if not difference.applied and difference.effect != "training"
    ]
    if lines:
        hidden = len(lines) - _MAX_WARNING_LINES
        more = [f"  and {hidden} more; the plan has all"] if hidden > 0 else []
        head = "the module is loaded, but attributes differ from the store's and change its results:"
        text = "\n".join([head, *map(printable, lines[:_MAX_WARNING_LINES]), *more])
        warnings.warn(text, UserWarning, stacklevel=stacklevel + 1)


def _constants(plan: Plan) -> dict[str, float]:
    values = {"zeros": 0.0, "ones": 1.0}
    return {
        child(pair.module, role): values[constant] for pair in plan.pairs for role, constant in pair.constants.items()
    }


def _check_tensors(module: nn.Module, state: dict[str, torch.Tensor], sources: dict[str, tuple[str, Tensor]]) -> None:
    """Check dtypes that cannot hold the values, and ``meta`` buffers that no store has."""
    problems = []
    for name, (key, tensor) in sources.items():
        if not has_shape_of(tensor.shape, state[name]):
            shapes = f"{key} has shape {tensor.shape} and the module's {name} {tuple(state[name].shape)}"
            problems.append(f"{shapes}: a copy would give its elements other places")
        if not _can_hold(state[name].dtype, tensor):
            problems.append(
                f"{key} is {tensor.dtype} and the module's {name} is {state[name].dtype}: "
                "integers cannot hold its values"
            )
    for path, owner in module.named_modules():
        volatile = getattr(owner, "_non_persistent_buffers_set", ())
        for name, buffer in own_tensors(owner).items():
            if name not in volatile:
                continue
            if buffer.is_meta and name != COUNTER:
                problems.append(
                    f"{child(path, name)} is a buffer on the meta device that no state dict has. "
                    "Make the module without it, or on a real device"
                )
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise MatchError(f"{type(module).__name__} cannot be loaded; nothing has been:\n{lines}")


def _can_hold(dtype: torch.dtype, tensor: Tensor) -> bool:
    """Return whether a dtype can hold a tensor's values; an integer one holds floating whole numbers in its range."""
    if dtype.is_floating_point or dtype.is_complex or not dtype_of(tensor).is_floating_point:
        return True
    values = numeric_values(tensor)
    if dtype == torch.bool:
        return bool(((values == 0) | (values == 1)).all())
    limits = torch.iinfo(dtype)
    return bool(((values == values.round()) & (values >= limits.min) & (values <= limits.max)).all())


def _check_shards(state: dict[str, torch.Tensor], dtype: torch.dtype | None, device: torch.device | str | None) -> None:
    """Refuse a dtype or device for sharded tensors: sharding has decided on both."""
    shards = [name for name, tensor in state.items() if is_sharded(tensor) and not tensor.is_meta]
    if shards and (dtype is not None or device is not None):
        raise UsageError(
            f"{shards[0]} is spread over processes: its dtype and device are those that it was spread with. "
            "Load without dtype and device, or before the module is sharded."
        )


def _rounding_notes(
    state: dict[str, torch.Tensor], sources: dict[str, tuple[str, Tensor]], dtype: torch.dtype | None
) -> Iterator[str]:
    """Yield a note for each pair of dtypes whose conversion loses precision."""
    narrowed: dict[tuple[torch.dtype, torch.dtype], list[str]] = {}
    for name, (_, tensor) in sources.items():
        stored = dtype_of(tensor)
        target = target_dtype(state[name], stored, dtype)
        if target != stored and torch.promote_types(target, stored) != target:
            narrowed.setdefault((stored, target), []).append(name)
    for (stored, target), names in narrowed.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"stored {stored} is rounded to the module's {target}: {names[0]}{more}"


def _set_attributes(module: nn.Module, pair: Pair) -> Pair:
    if not pair.differences:
        return pair
    target = submodule(module, pair.module)
    adapter = adapter_of(target)
    differences = tuple(
        replace(item, applied=True, allowed=False)
        if adapter is not None and adapter.set(target, item.attribute, item.stored)
        else item
        for item in pair.differences
    )
    return replace(pair, differences=differences)
