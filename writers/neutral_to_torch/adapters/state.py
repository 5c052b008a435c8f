"""Names and locations of a module's tensors."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from neutral.errors import MatchError

COUNTER = "num_batches_tracked"
"""A buffer of batch norms in torch alone; batch norms whose momentum is a number never read it."""

Location = tuple[nn.Module, str]
"""A module and the name of its attribute that holds a tensor."""


def submodule(module: nn.Module, path: str) -> nn.Module:
    """Return the module at a path, of scripted modules too, which have no ``get_submodule``.

    Args:
        module: The root.
        path: Names joined by dots; "" for the root itself.

    Returns:
        The module itself, not a copy.
    """
    current = module
    for name in path.split(".") if path else ():
        if isinstance(current, torch.jit.ScriptModule):
            modules: dict[str, nn.Module] = dict(module.named_modules())
            return modules[path]
        current = current.get_submodule(name)
    return current


def own_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return a module's own parameters and buffers by name, without those of its children.

    Args:
        module: The module.

    Returns:
        The parameters and then the buffers, without those that are None.
    """
    items = (*module._parameters.items(), *module._buffers.items())
    return {name: tensor for name, tensor in items if tensor is not None}


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters and persistent buffers by their names in the state dict, without batch counters.

    Args:
        module: The module.

    Returns:
        The tensors; a shared one under each of its names.

    Raises:
        MatchError: The module is lazy: its shapes are unknown.

    Example:
        >>> list(state_of(nn.BatchNorm2d(4)))
        ['weight', 'bias', 'running_mean', 'running_var']
    """
    names: dict[str, torch.Tensor] = {}
    for path, owner in module.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        volatile = getattr(owner, "_non_persistent_buffers_set", ())  # scripted modules have none
        for name, tensor in own_tensors(owner).items():
            if name in volatile or name == COUNTER:
                continue
            if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
                raise MatchError(
                    f"{prefix}{name} of the module has no shape yet: {type(owner).__name__} is lazy. "
                    "Run the module once on an example, then load."
                )
            names[prefix + name] = tensor
    return names


def locations(module: nn.Module) -> dict[int, list[Location]]:
    """Return the locations of each parameter and buffer, by the tensor's ``id``; a shared one has several.

    Args:
        module: The root.

    Returns:
        For each tensor the modules that own it, with its name there.
    """
    places: dict[int, list[Location]] = {}
    for owner in module.modules():
        for name, tensor in own_tensors(owner).items():
            places.setdefault(id(tensor), []).append((owner, name))
    return places


def replace(places: list[Location], value: torch.Tensor) -> None:
    """Replace a tensor at all of its locations. A parameter stays a parameter, with its ``requires_grad``.

    The tensor is set as an attribute, since recurrent modules keep lists of their parameters too.

    Args:
        places: The locations of the old tensor.
        value: The new tensor.
    """
    for owner, name in places:
        old = owner._parameters.get(name)
        if old is not None and not isinstance(value, nn.Parameter):
            value = nn.Parameter(value, requires_grad=old.requires_grad)
        setattr(owner, name, value)
