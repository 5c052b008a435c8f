"""Run a module without a trace in it: parameters, buffers, attributes and random generators are restored."""

from __future__ import annotations

import contextlib
import random
from typing import Any, Iterator

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from neutral_to_torch.adapters.state import own_tensors
from neutral_to_torch.trace.values import Geometry
from neutral_to_torch.trace.writes import written_arguments

_TABLES = ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks")


@contextlib.contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Restore a module after a block that runs it: tensors, attributes, modes, and the states of random generators.

    A tensor is copied when it is about to be written, so that a module that writes none needs no memory.

    Args:
        module: The module.

    Example:
        >>> norm = nn.BatchNorm1d(2)
        >>> with preserved(norm):
        ...     _ = norm.train()(torch.ones(3, 2))
        >>> norm.running_mean.tolist(), int(norm.num_batches_tracked)
        ([0.0, 0.0], 0)
    """
    children = [child for child in module.modules() if not isinstance(child, torch.jit.ScriptModule)]
    attributes = [(child, dict(vars(child))) for child in children]
    tables = [(table, dict(table)) for child in children for name in _TABLES if (table := vars(child).get(name))]
    guard = _WriteGuard(module)
    devices = sorted({tensor.device.index or 0 for tensor in guard.tensors if tensor.device.type == "cuda"})
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices), guard:
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        for child, values in attributes:
            vars(child).clear()
            vars(child).update(values)
        for table, items in tables:
            table.clear()
            table.update(items)
        guard.restore()


class _WriteGuard(TorchDispatchMode):
    """Dispatch mode that copies a module's tensors before they are written.

    Args:
        module: The module.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.tensors = [tensor for child in module.modules() for tensor in own_tensors(child).values()]
        self._memory = [(tensor, tensor.data) for tensor in self.tensors]
        self._by_storage: dict[int, list[torch.Tensor]] = {}
        self._copies: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        for _, data in self._memory:
            self._by_storage.setdefault(Geometry.of(data).storage, []).append(data)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for tensor in written_arguments(func, args, kwargs).values():
            for data in self._by_storage.get(Geometry.of(tensor).storage, ()):
                if id(data) not in self._copies:
                    self._copies[id(data)] = (data, data.clone())
        return func(*args, **kwargs)

    def restore(self) -> None:
        """Give all tensors the memory and the values that they had."""
        for data, copy in self._copies.values():
            data.copy_(copy)
        for tensor, data in self._memory:
            if Geometry.of(tensor) != Geometry.of(data):
                tensor.data = data
