"""Import the emitted source and load its weights: the model that ``emit`` writes, in memory."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import Mapping, Sequence

import torch
from torch import nn

from neutral.errors import NeutralError, UnsupportedError
from neutral.store import Store
from neutral_to_torch.emission.compose import Emission, compose
from neutral_to_torch.emission.source_gate import check_class_name, check_source
from neutral_to_torch.loading.tensors import MemoryMaps, check_files

MODULE_PREFIX = "neutral_emitted_"
"""The start of the names of modules that hold emitted source."""


def build(
    store: Store,
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    class_name: str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> nn.Module:
    """Return the store's model with its weights, in eval mode; its source is that of :func:`neutral_to_torch.emit`.

    Where the store's file has the tensors' bytes as they are and neither ``dtype`` nor ``device`` changes them, the
    weights are the mapped file and are not copied.

    Args:
        store: A store with a graph.
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.
        class_name: The model's class; by default it is made from the source's name.
        dtype: The dtype of floating tensors; by default that of the store.
        device: The device of the weights.

    Returns:
        The model, an instance of the class that :func:`neutral_to_torch.emit` would write.

    Raises:
        UnsupportedError: With every problem.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> build(Store({}, {}, graph))(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    check_class_name(class_name)
    emission = compose(store, outputs=outputs, until=until, class_name=class_name)
    return load(emission, store, dtype, device)


def is_built_from(module: nn.Module, store: Store) -> bool:
    """Return whether a module is the one that :func:`build` makes of a store.

    Args:
        module: A module.
        store: A store.

    Returns:
        False for modules that were written or changed by hand, and for stores that cannot be emitted.
    """
    if not type(module).__module__.startswith(MODULE_PREFIX):
        return False
    try:
        emission = compose(store, class_name=type(module).__name__)
    except NeutralError:
        return False
    return type(module) is getattr(import_source(emission.source), emission.class_name)


def load(emission: Emission, store: Store, dtype: torch.dtype | None, device: torch.device | str | None) -> nn.Module:
    """Import an emission's source and give its model the store's tensors.

    Args:
        emission: The composed source.
        store: The store of the tensors.
        dtype: The dtype of floating tensors; None for that of the store.
        device: The device of the weights; None for the processor.

    Returns:
        The model in eval mode.

    Raises:
        UnsupportedError: The source holds more than a network, or the tensors do not fit it.
    """
    model_class = getattr(import_source(emission.source), emission.class_name)
    with torch.device("meta"):
        model: nn.Module = model_class()
    tensors = emission.state.tensors(store)
    check_files(tensors.values())
    mapped = MemoryMaps()
    state = {key: _place(mapped.get(tensor), dtype, device) for key, tensor in tensors.items()}
    for first, second in emission.state.tied_keys():
        state[second] = state[first]
    try:
        model.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:  # shapes that the catalogue leaves open
        raise UnsupportedError(f"{store.path or 'the model'}: its tensors do not fit its operators: {error}") from None
    for first, second in emission.state.tied_keys():
        owner, name = _owner(model, second)
        setattr(owner, name, getattr(*_owner(model, first)))
    return model.eval()


def plan_of(store: Store, *, outputs: Sequence[str] | None = None, until: str | None = None) -> Mapping[str, str]:
    """Return the path of the submodule that computes each layer or node, for those that a submodule computes.

    Args:
        store: A store with a graph.
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.

    Returns:
        Paths such as ``features.conv0``.

    Raises:
        UnsupportedError: With every problem, as :func:`neutral_to_torch.emit` raises it.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Graph, Input, Layer, Node, Value
        >>> from neutral.tensor import from_numpy
        >>> attributes = {"out_features": 2, "flatten": False}
        >>> layers = {"fc": Layer("fc", "linear", attributes, {"weight": "fc.weight"})}
        >>> node = Node("fc", "linear", (Value("x"),), attributes, layer="fc")
        >>> graph = Graph((Input("x", (1, 3)),), (node,), (Value("fc"),))
        >>> plan_of(Store(layers, {"fc.weight": from_numpy(np.ones((2, 3), np.float32))}, graph))
        {'fc': 'fc'}
    """
    return compose(store, outputs=outputs, until=until).state.modules


def import_source(source: str) -> ModuleType:
    """Import checked source as a module of its own, which tracebacks, pickling and ``inspect.getsource`` find.

    Args:
        source: The text of a Python module.

    Returns:
        The module; the same one for the same source.

    Raises:
        UnsupportedError: The source holds more than a network; nothing of it is run.
    """
    check_source(source)
    digest = hashlib.sha256(source.encode("utf-8")).hexdigest()[:16]
    name = f"{MODULE_PREFIX}{digest}"
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
