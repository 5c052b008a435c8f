"""Fill a copy of a module by a plan, so that it runs in the module's place."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from neutral.matching.plan import Plan
from neutral.store import Store
from neutral_to_torch.loading.apply import apply_plan
from neutral_to_torch.loading.dispatch import DispatchMode
from neutral_to_torch.loading.proof_cost import UnprovenError
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.trace.outputs import tensors_in

_MAX_BYTES = 1 << 30


def filled_copy(module: nn.Module, store: Store, plan: Plan, *, set_attributes: bool) -> nn.Module:
    """Return a copy of a module that a plan fills, in double precision and in evaluation mode.

    Args:
        module: The module; it is not changed.
        store: The store of the plan.
        plan: The plan.
        set_attributes: Set the attributes that differ.

    Returns:
        The copy, on the processor.

    Raises:
        UnprovenError: The store has no graph or is too large, or the module does not fit or cannot be copied.
    """
    if store.graph is None:
        raise UnprovenError("the store has no graph: its checkpoint had no symbol")
    if plan.problems:
        raise UnprovenError("store and module do not fit")
    tensors = [*module.parameters(), *module.buffers()]
    if any(is_sharded(tensor) for tensor in tensors):
        raise UnprovenError("the module is spread over processes")
    if sum(tensor.size for tensor in store.tensors.values()) * 8 > _MAX_BYTES:
        raise UnprovenError("the store is too large for a run in double precision")
    try:
        trial = copy.deepcopy(module).cpu() if not any(t.is_meta for t in tensors) else copy.deepcopy(module)
        if not any(tensor.is_meta for tensor in tensors):
            trial.double()
        apply_plan(trial, store, plan, set_attributes=set_attributes)
        if any(tensor.is_meta for tensor in (*trial.parameters(), *trial.buffers())):
            raise UnprovenError("the module has tensors on the meta device that nothing fills")
        return trial.double().eval()
    except UnprovenError:
        raise
    except Exception as error:
        raise UnprovenError(f"the module cannot be copied and filled ({brief(error)})") from None


class CopyMode(DispatchMode):
    """Dispatch mode that refuses tensors of a module whose copy is run: a function of the copy refers to the module.

    In double precision they fail without it, since the module has another precision.

    Args:
        module: The module that was copied.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.tensors = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(id(tensor) in self.tensors for tensor in tensors_in((args, kwargs))):
            raise UnprovenError("the module cannot be run as a copy: a function in it refers to the module itself")
        return func(*args, **(kwargs or {}))


def brief(error: BaseException) -> str:
    """Return the first line of an error's message, cut to 160 characters.

    Args:
        error: The error.

    Returns:
        The line; the name of the class where there is no message.

    Example:
        >>> brief(ValueError('unknown')), brief(KeyError())
        ('unknown', 'KeyError')
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]
