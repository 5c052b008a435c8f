"""Compare a module that begins its recurrent layers with zeros with a store whose initial states are inputs."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from neutral.rewriting.initial_states import drop_initial_states
from neutral.store import Store
from neutral_to_torch.trace.examples import given_arguments
from neutral_to_torch.trace.inputs import signature_of
from neutral_to_torch.trace.outputs import tensors_in


def without_states(module: nn.Module, store: Store, example: Any) -> tuple[Store, str]:
    """Return the store with recurrent layers that begin with zeros, if the module takes all inputs but their states.

    Args:
        module: The module; it is not run.
        store: The store.
        example: Arguments of the module; without them its signature tells how many it takes.

    Returns:
        The store, the given one for any other module, and a note for the plan, empty for the given store.

    Example:
        >>> module, store = nn.ReLU(), Store({}, {})
        >>> without_states(module, store, None) == (store, "")
        True
    """
    if store.graph is None:
        return store, ""
    graph, states = drop_initial_states(store.graph)
    if not states or _count_inputs(module, example) != len(graph.inputs):
        return store, ""
    shorter = Store(store.layers, store.tensors, graph, store.source, path=store.path)
    return shorter, f"compared with zeros for the stored inputs {', '.join(states)}, which the module does not take"


def _count_inputs(module: nn.Module, example: Any) -> int:
    if example is not None:
        return len(list(tensors_in(given_arguments(module, example))))
    parameters = signature_of(module).parameters.values()
    return sum(item.default is inspect.Parameter.empty for item in parameters)
