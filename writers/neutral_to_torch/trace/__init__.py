"""A module's dataflow, found by running it once.

Every operator is seen where torch dispatches it, whatever Python led there: modules called more than once, functions
called with the module's parameters, scripted parts. Modules of the types that the catalogue knows stay whole.
"""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass, replace
from typing import Any, Iterator, Mapping, Sequence

import torch
from torch import nn
from torch.utils._pytree import tree_flatten

from neutral.errors import UsageError
from neutral.graph import Graph, Value
from neutral.matching.network import Network
from neutral_to_torch.adapters import describe
from neutral_to_torch.trace.functional import Functional
from neutral_to_torch.trace.inputs import whole_indices
from neutral_to_torch.trace.recorder import Call, Record, Recorder

__all__ = ["Call", "Record", "Traced", "trace"]


@dataclass(frozen=True)
class Traced:
    """A module's network with its graph, and the record of the run, whose nodes have the same names."""

    network: Network
    record: Record


def trace(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Traced:
    """Run ``module`` once, in evaluation mode and without gradients, and give its dataflow.

    The module is left in the mode it was in. Modules on the ``meta`` device run there, without values. Raises
    UsageError where the module cannot be called so.
    """
    described = describe(module)
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
    arguments: tuple[Any, ...] = _on(device, tuple(args))
    options: dict[str, Any] = _on(device, dict(kwargs))
    named = _named(module, arguments, options)
    with _quietly(module), torch.no_grad(), whole_indices(module):
        try:
            record = Recorder(module).run(named, arguments, options)
        except Exception as error:
            raise UsageError(
                f"{type(module).__name__} cannot be run on the example ({type(error).__name__}: {error}). "
                "The example is what the module is called with: a tensor, a tuple of arguments or a dict."
            ) from error
    found = Functional(record, described.shapes, frozenset(described.layers)).run()
    graph = Graph(record.graph.inputs, tuple(found.nodes), record.graph.outputs)
    values = {operand.node for node in found.nodes for operand in node.inputs if isinstance(operand, Value)}
    of_values = {node.layer for node in found.nodes if node.kind == "parameter" and node.name in values}
    of_layers = {name for layer in found.layers.values() for name in layer.tensors.values()}
    kept = {
        name: layer
        for name, layer in described.layers.items()
        if layer.kind != "parameter" or name not in of_layers or name in of_values
    }
    network = replace(described, layers={**kept, **found.layers}, graph=graph, layouts=found.layouts)
    return Traced(network, record)


def _named(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors among the arguments, by the names of forward's parameters."""
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except TypeError as error:
        raise UsageError(f"{type(module).__name__} cannot be called with the example: {error}.") from None
    named: dict[str, torch.Tensor] = {}
    for name, value in bound.arguments.items():
        tensors = [item for item in tree_flatten(value)[0] if isinstance(item, torch.Tensor)]
        if isinstance(value, torch.Tensor):
            named[name] = value
        else:
            named.update({f"{name}.{index}": tensor for index, tensor in enumerate(tensors)})
    return named


def _on(device: torch.device | None, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: _on(device, item) for name, item in value.items()}
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_on(device, item) for item in value)
    return value


@contextlib.contextmanager
def _quietly(module: nn.Module) -> Iterator[None]:
    """In evaluation mode, and with attention written out in the operators it is made of."""
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
