"""Record the dataflow of a module by running it once.

Every operator is seen where torch dispatches it, below all Python: modules called more than once, functions called with
the module's parameters, scripted parts. Modules of the types that have an adapter stay whole.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Iterator, Mapping, Sequence

import torch
from torch import nn

from neutral.errors import UsageError
from neutral.gc_pause import gc_paused
from neutral.graph import Graph
from neutral.matching.network import Network
from neutral.rewriting import reachable
from neutral_to_torch.adapters import describe
from neutral_to_torch.trace.functional import FunctionalLayers
from neutral_to_torch.trace.inputs import bind_arguments, whole_indices
from neutral_to_torch.trace.outputs import tensors_in
from neutral_to_torch.trace.preserve import preserved
from neutral_to_torch.trace.record import Call, Record
from neutral_to_torch.trace.recorder import Recorder

__all__ = ["Call", "Record", "Traced", "trace"]


@dataclass(frozen=True)
class Traced:
    """Trace of a module.

    Attributes:
        network: The module's network, with its graph.
        record: The record of the run. Its nodes have the names of the graph's.

    Example:
        >>> traced = trace(nn.ReLU(), (torch.zeros(1, 3),), {})
        >>> [node.kind for node in traced.record.graph.nodes]
        ['relu']
    """

    network: Network
    record: Record


@gc_paused()
def trace(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Traced:
    """Run a module once, in evaluation mode and without gradients, and return its dataflow.

    The module is left in the mode it was in. Modules on the ``meta`` device run there, without values.

    Args:
        module: The module.
        args: Its positional arguments; tensors are moved to the module's device.
        kwargs: Its keyword arguments.

    Returns:
        The network with its graph, and the record of the run.

    Raises:
        UsageError: The module cannot be called with these arguments.

    Example:
        >>> traced = trace(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (torch.zeros(1, 3),), {})
        >>> [node.kind for node in traced.network.graph.nodes]
        ['linear', 'relu']
    """
    description = describe(module)
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
    arguments: tuple[Any, ...] = _move_to(device, tuple(args))
    options: dict[str, Any] = _move_to(device, dict(kwargs))
    named = _name_tensors(module, arguments, options)
    examples = _name_tensors(module, tuple(args), dict(kwargs))
    recorder = Recorder(module)
    with preserved(module), evaluation_mode(module), torch.no_grad(), whole_indices(module):
        try:
            record = recorder.run(named, arguments, options, examples)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"{type(module).__name__} cannot be run on the example ({type(error).__name__}: {error}). "
                "Pass the arguments of a call as the example: a tensor, a tuple of arguments or a dict by name."
            ) from error
    derived = FunctionalLayers(record, description.shapes, frozenset(description.layers)).find()
    nodes = tuple(derived.nodes.values())
    graph = Graph(record.graph.inputs, nodes, record.graph.outputs)
    used_parameters = {node.layer for node in reachable(nodes, graph.outputs)[0] if node.kind == "parameter"}
    layer_tensors = {name for layer in derived.layers.values() for name in layer.tensors.values()}
    kept = {
        name: layer
        for name, layer in description.layers.items()
        if layer.kind != "parameter" or name not in layer_tensors or name in used_parameters
    }
    layers = {**kept, **derived.layers}
    network = replace(description, layers=layers, graph=graph, layouts={**description.layouts, **derived.layouts})
    return Traced(network, derived.record)


def _name_tensors(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the tensors among the arguments, by the names of the parameters of ``forward``."""
    try:
        bound = bind_arguments(module, args, kwargs)
    except TypeError as error:
        raise UsageError(f"{type(module).__name__} cannot be called with the example: {error}.") from None
    named: dict[str, torch.Tensor] = {}
    for name, value in bound.items():
        tensors = list(tensors_in(value))
        if isinstance(value, torch.Tensor):
            named[name] = value
        else:
            named.update({f"{name}.{index}": tensor for index, tensor in enumerate(tensors)})
    return named


def _move_to(device: torch.device | None, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: _move_to(device, item) for name, item in value.items()}
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_move_to(device, item) for item in value)
    return value


@contextlib.contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Run in evaluation mode, and with attention decomposed into its operators.

    Args:
        module: The module.

    Yields:
        None, once; the modes of all submodules are restored at the end.
    """
    modes = {child: child.training for child in module.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    module.eval()
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for child, mode in modes.items():
            child.training = mode
