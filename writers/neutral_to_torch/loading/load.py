"""Loading a store into a module that the user wrote."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from typing import Any, Iterable, Iterator

import torch
from torch import nn

from neutral.errors import MatchError, UsageError
from neutral.matching.plan import Pair, Plan, child
from neutral.matching.regroup import regrouped
from neutral.store import Store
from neutral.tensor import Tensor
from neutral.text import printable
from neutral.verification.golden import Golden
from neutral_to_torch.adapters import adapter_of
from neutral_to_torch.adapters.state import COUNTER, state_of
from neutral_to_torch.loading.fill import fill, wanted_dtype
from neutral_to_torch.loading.planning import Mappable, make_plan
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.loading.tensors import check_files, dtype_of

__all__ = ["load_into", "make_plan"]


def load_into(
    module: nn.Module,
    store: Store,
    mapping: Mappable = None,
    example: Any = None,
    *,
    golden: str | os.PathLike[str] | Golden | None = None,
    strict: bool = True,
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
    set_attributes: bool = False,
    fold_batch_norms: bool = False,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Plan:
    """Fill ``module`` with the tensors of ``store`` and say in a :class:`Plan` what went where.

    ``mapping`` leads from stored layers (or tensor keys) to module paths (or parameter names): a dict, a plan, or a
    TOML file of either. What it does not mention is matched by names and by dataflow; a plan is taken as complete.
    ``example`` is what the module is called with (a tensor, a tuple of arguments, a dict of them by name): it is
    run on that once to see its dataflow. Without it the inputs of ``golden`` are taken, a golden file's, or random ones
    where the store's graph knows their shapes.

    Everything is checked before the module is touched: kinds and shapes always; ``strict``, that every stored tensor
    is used and every parameter and persistent buffer filled, but for those whose name or layer is like a pattern of
    ``allow_unused`` (stored layers) or ``allow_missing`` (the module's tensors). Attributes that differ are in the
    plan, and those that change inference are warned of; with ``set_attributes`` the module is given the stored ones,
    ``requires_grad=False`` for a batch norm's weight that the source does not train among them.

    Where the module has one layer and the store several, or the other way round (a fused projection of queries, keys
    and values, branches of a grouped convolution), they are regrouped, and the plan names them so (``q + k + v``,
    ``qkv[0:64]``). With ``fold_batch_norms``, batch norms that the module lacks go into the convolutions before them.

    Parameters stay the same objects and are filled in place, in their own dtype; on the ``meta`` device they are
    replaced by tensors that map the store's file, in the stored dtype. ``dtype`` (of what is floating) and ``device``
    ask for others. Of tensors that are spread over processes (``DTensor``: FSDP2, tensor parallelism) every process
    fills its own part, and reads no other.

    Raises MatchError where store and module do not fit, and then has changed nothing.
    """
    plan = make_plan(
        module,
        store,
        mapping,
        example,
        golden=golden,
        strict=strict,
        allow_unused=allow_unused,
        allow_missing=allow_missing,
        fold_batch_norms=fold_batch_norms,
    )
    store = regrouped(store, [pair.layer for pair in plan.pairs])
    state = state_of(module)
    sources = _sources(plan, store)
    _check(module, state, sources)
    _check_shards(state, dtype, device)
    plan = replace(plan, notes=(*plan.notes, *_dtype_notes(state, sources, dtype)))
    if set_attributes:
        plan = replace(plan, pairs=tuple(_set_attributes(module, pair) for pair in plan.pairs))
    fill(module, sources, _constants(plan), dtype, None if device is None else torch.device(device))
    _warn(plan)
    return plan


def _sources(plan: Plan, store: Store) -> dict[str, tuple[str, Tensor]]:
    """What fills each of the module's tensors, by its name: a key of the store and the stored tensor."""
    sources = {}
    for pair in plan.pairs:
        for role, name in pair.tensors.items():
            key = store.layers[pair.layer].tensors[role]
            sources[name] = (key, store.tensors[key])
    return sources


def _constants(plan: Plan) -> dict[str, float]:
    values = {"zeros": 0.0, "ones": 1.0}
    return {child(pair.module, role): values[what] for pair in plan.pairs for role, what in pair.constants.items()}


def _check(module: nn.Module, state: dict[str, torch.Tensor], sources: dict[str, tuple[str, Tensor]]) -> None:
    """What the plan cannot see: dtypes that cannot hold the values, and ``meta`` buffers that no store has."""
    problems = []
    for name, (key, tensor) in sources.items():
        if dtype_of(tensor).is_floating_point and not state[name].dtype.is_floating_point:
            problems.append(
                f"{key} is {tensor.dtype} and the module's {name} is {state[name].dtype}: values would be cut"
            )
    for path, owner in module.named_modules():
        for name in owner._non_persistent_buffers_set:
            buffer = owner._buffers.get(name)
            if buffer is not None and buffer.is_meta and name != COUNTER:
                problems.append(
                    f"{child(path, name)} is a buffer on the meta device that no state dict has. "
                    "Make the module without it, or on a real device"
                )
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise MatchError(f"{type(module).__name__} cannot be loaded; nothing has been:\n{lines}")
    check_files(tensor for _, tensor in sources.values())


def _check_shards(state: dict[str, torch.Tensor], dtype: torch.dtype | None, device: torch.device | str | None) -> None:
    """Whoever cut tensors into parts has decided on their dtype and device."""
    parts = [name for name, tensor in state.items() if is_sharded(tensor) and not tensor.is_meta]
    if parts and (dtype is not None or device is not None):
        raise UsageError(
            f"{parts[0]} is spread over processes: its dtype and device are those that it was spread with. "
            "Load without dtype and device, or before the module is sharded."
        )


def _dtype_notes(
    state: dict[str, torch.Tensor], sources: dict[str, tuple[str, Tensor]], dtype: torch.dtype | None
) -> Iterator[str]:
    """Conversions that lose precision, one note for each pair of dtypes."""
    narrowed: dict[tuple[torch.dtype, torch.dtype], list[str]] = {}
    for name, (_, tensor) in sources.items():
        stored = dtype_of(tensor)
        wanted = wanted_dtype(state[name], stored, dtype)
        if wanted != stored and torch.promote_types(wanted, stored) != wanted:
            narrowed.setdefault((stored, wanted), []).append(name)
    for (stored, wanted), names in narrowed.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"stored {stored} is rounded to the module's {wanted}: {names[0]}{more}"


def _set_attributes(module: nn.Module, pair: Pair) -> Pair:
    if not pair.differences:
        return pair
    target = module.get_submodule(pair.module)
    adapter = adapter_of(target)
    return replace(
        pair,
        differences=tuple(
            replace(d, applied=adapter is not None and adapter.set(target, d.attribute, d.stored))
            for d in pair.differences
        ),
    )


def _warn(plan: Plan) -> None:
    """One warning for all attributes that change what the module computes and that were not set."""
    lines = [
        f"  {pair.module or 'the module'}: {difference}"
        for pair, difference in plan.differences
        if not difference.applied and difference.effect != "training"
    ]
    if lines:
        more = [f"  and {len(lines) - 10} more; the plan has all"] if len(lines) > 10 else []
        head = "the module is loaded, but attributes differ from the store's and change its results:"
        warnings.warn("\n".join([head, *map(printable, lines[:10]), *more]), UserWarning, stacklevel=3)
