"""The emitted source, imported and loaded: what ``emit`` writes, as a module in memory."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import Mapping, Sequence

import torch
from torch import nn

from neutral.store import Store
from neutral_to_torch.emission.compose import Emission, compose
from neutral_to_torch.emission.source_gate import check_source
from neutral_to_torch.loading.tensors import MemoryMaps, check_files


def build(
    store: Store,
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    class_name: str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> nn.Module:
    """The store's model, loaded, in eval mode; the same source as :func:`neutral_to_torch.emit` writes.

    ``outputs`` or ``until`` cut the graph as there. Where the store's file has the tensors' bytes as they are and
    neither ``dtype`` (of floating tensors) nor ``device`` changes them, the weights are the mapped file: no copy.
    Raises :class:`neutral.errors.UnsupportedError` with every problem.
    """
    emission = compose(store, outputs=outputs, until=until, class_name=class_name)
    return load(emission, store, dtype, device)


def load(emission: Emission, store: Store, dtype: torch.dtype | None, device: torch.device | str | None) -> nn.Module:
    """Import an emission's source and give its model the store's tensors."""
    model_class = getattr(import_source(emission.source), emission.class_name)
    with torch.device("meta"):
        model: nn.Module = model_class()
    tensors = emission.state.tensors(store)
    check_files(tensors.values())
    mapped = MemoryMaps()
    state = {key: _place(mapped.get(tensor), dtype, device) for key, tensor in tensors.items()}
    for first, second in emission.state.ties():
        state[second] = state[first]
    model.load_state_dict(state, strict=True, assign=True)
    for first, second in emission.state.ties():
        owner, name = _owner(model, second)
        setattr(owner, name, getattr(*_owner(model, first)))
    return model.eval()


def plan_of(store: Store, *, outputs: Sequence[str] | None = None, until: str | None = None) -> Mapping[str, str]:
    """The path of the built model's submodule that gives the result of a layer or node, for each that there is one."""
    return compose(store, outputs=outputs, until=until).state.modules


def import_source(source: str) -> ModuleType:
    """The source as a module of its own, so that tracebacks, pickling and ``inspect.getsource`` find it."""
    check_source(source)
    digest = hashlib.sha256(source.encode("utf-8")).hexdigest()[:16]
    name = f"neutral_emitted_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    sys.modules[name] = module
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place(value: torch.Tensor, dtype: torch.dtype | None, device: torch.device | str | None) -> torch.Tensor:
    return value.to(dtype=dtype if value.is_floating_point() else None, device=device)


def _owner(model: nn.Module, key: str) -> tuple[nn.Module, str]:
    path, _, name = key.rpartition(".")
    return model.get_submodule(path), name
