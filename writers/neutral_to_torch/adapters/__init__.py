"""Describe torch modules in the catalogue's terms: typed layers over parameters and buffers."""

from __future__ import annotations

from torch import nn

from neutral.graph import Layer
from neutral.matching.layouts import TensorLayout
from neutral.matching.network import Network
from neutral_to_torch.adapters import convolution, linear, normalization, recurrent  # noqa: F401  registers adapters
from neutral_to_torch.adapters.alterations import hints_of
from neutral_to_torch.adapters.registry import Adapter, adapted_type, adapted_types, adapter_of, has_known_forward
from neutral_to_torch.adapters.state import own_tensors, state_of

__all__ = ["Adapter", "adapted_type", "adapted_types", "adapter_of", "describe", "has_known_forward"]


def describe(module: nn.Module) -> Network:
    """Return the layers of a module by path, and its other tensors as layers of kind ``parameter`` by name.

    A module that may compute something else than its type is typed by its tensors' names only. A module that is
    registered under two paths is a layer under both, with shared tensors.

    Args:
        module: The module.

    Returns:
        A network without a graph.

    Raises:
        MatchError: The module is lazy: its shapes are unknown.

    Example:
        >>> network = describe(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
        >>> [(layer.name, layer.kind) for layer in network.layers.values()]
        [('0', 'linear'), ('1', 'batch_norm')]
    """
    layers: dict[str, Layer] = {}
    layouts: dict[tuple[str, str], TensorLayout] = {}
    names = state_of(module)
    for path, child in module.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        own = [name for name in own_tensors(child) if prefix + name in names]
        adapter = adapter_of(child)
        roles: tuple[str, ...] = ()
        if adapter is not None:
            roles = tuple(role for role in adapter.roles(child) if prefix + role in names)
            layers[path] = Layer(
                name=path,
                kind=adapter.kind,
                attributes=adapter.attributes(child),
                tensors={role: prefix + role for role in roles},
                typed_by="user" if has_known_forward(child) else "names",
            )
            layouts.update(((path, role), item) for role, item in adapter.layouts(child).items() if role in roles)
        for name in own:
            if name not in roles:
                layers[prefix + name] = Layer(prefix + name, "parameter", {}, {"value": prefix + name}, typed_by="user")
    hints = {path: "; ".join(hints_of(path, child)) for path, child in module.named_modules()}
    first: dict[int, str] = {}
    first_names = {name: first.setdefault(id(tensor), name) for name, tensor in names.items()}
    return Network(
        layers=layers,
        shapes={name: tuple(tensor.shape) for name, tensor in names.items()},
        shared_tensors={name: other for name, other in first_names.items() if other != name},
        layouts=layouts,
        hints={path: text for path, text in hints.items() if text},
    )
