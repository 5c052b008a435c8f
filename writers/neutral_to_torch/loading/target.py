"""PyTorch modules as targets of planning."""

from __future__ import annotations

import copy
from typing import Any, Iterator, Mapping

from torch import nn

from neutral.errors import UsageError
from neutral.graph import Graph
from neutral.matching.network import Network
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral_to_torch.adapters import adapter_of, describe
from neutral_to_torch.adapters.state import state_of, submodule
from neutral_to_torch.loading.probe import TorchProbe
from neutral_to_torch.trace import Traced, trace
from neutral_to_torch.trace.examples import given_arguments, golden_arguments, random_arguments
from neutral_to_torch.trace.rewrites import Rewriting, without_ones


class TorchTarget:
    """A PyTorch module as planning sees it; see :class:`neutral.matching.Target`.

    Attributes:
        name: The name of the module's class.
        network: The module's layers, and its dataflow where it was traced.
        probe: The probe of the traced operators, None where the module was not traced.

    Args:
        module: The module; it is not changed.
        traced: A trace of the module, whose dataflow is compared with the store's; None to match by names alone.
    """

    def __init__(self, module: nn.Module, traced: Traced | None = None) -> None:
        self.module = module
        self.traced = traced
        self.name: str = type(module).__name__
        self.network: Network = describe(module) if traced is None else traced.network
        self.probe: TorchProbe | None = None if traced is None else TorchProbe(traced.record)

    def implied_attributes(self, layer: str) -> Mapping[str, Any]:
        """Return the implied attributes of a layer's adapter; see :class:`neutral_to_torch.adapters.Adapter`.

        Args:
            layer: The path of a submodule.

        Returns:
            The value by attribute; empty for a module without an adapter.
        """
        adapter = adapter_of(submodule(self.module, layer))
        return {} if adapter is None else adapter.implied

    def can_set(self, layer: str, attribute: str, value: Any) -> bool:
        """Return whether a submodule can be given another value of an attribute; it is tried on a shallow copy.

        Args:
            layer: The path of a submodule.
            attribute: The attribute's name in the catalogue.
            value: The stored value.
        """
        module = submodule(self.module, layer)
        adapter = adapter_of(module)
        return adapter is not None and adapter.set(copy.copy(module), attribute, value)


def rewritten_targets(target: TorchTarget, store: Store) -> Iterator[tuple[TorchTarget, Rewriting]]:
    """Yield targets of equal networks that the store may have rather than the traced one, with the changes.

    Args:
        target: The target of the traced network.
        store: The store.
    """
    module, traced = target.module, target.traced
    if traced is None:
        return
    tensors = state_of(module)
    parameters = dict(module.named_parameters(remove_duplicate=False))
    buffers = {name: value for name, value in tensors.items() if name not in parameters and not value.is_meta}
    bare = [layer for layer in store.layers.values() if layer.kind == "parameter"]
    shapes = {without_ones(store.tensors[key].shape) for layer in bare for key in layer.tensors.values()}
    seen = [target.network]
    for moves, constants in ((True, False), (False, True), (True, True)):
        rewriting = Rewriting(traced.network, traced.record)
        if moves:
            rewriting.absorb_padding()
            rewriting.order_flattened()
        if constants:
            rewriting.keep_buffers(buffers, shapes)
        if rewriting.network not in seen:
            seen.append(rewriting.network)
            yield TorchTarget(module, Traced(rewriting.network, rewriting.record)), rewriting


def trace_target(module: nn.Module, graph: Graph | None, example: Any, golden: Golden | None) -> TorchTarget:
    """Trace a module where the store has a graph and there are arguments to run the module on.

    Args:
        module: The module.
        graph: The store's graph, None where it has none.
        example: Arguments: a tensor, a tuple of positional arguments, or a dict by name; None for none.
        golden: A golden file whose inputs are used without an example. Without both, random inputs are tried.

    Returns:
        A target with the traced graph, or one of the module's layers alone.

    Raises:
        UsageError: The module cannot be run on the example or on the golden inputs.
    """
    if graph is None:
        return TorchTarget(module)
    if example is not None:
        return TorchTarget(module, trace(module, *given_arguments(module, example)))
    if golden is not None:
        return TorchTarget(module, trace(module, *golden_arguments(module, golden)))
    arguments = random_arguments(module, graph)
    if arguments is None:
        return TorchTarget(module)
    try:
        return TorchTarget(module, trace(module, *arguments))
    except UsageError:  # the shapes of the store's inputs may be those of another implementation
        return TorchTarget(module)
