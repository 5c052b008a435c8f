"""A module's tensors: what they are called, and which attributes of which modules hold them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from neutral.errors import MatchError

COUNTER = "num_batches_tracked"
"""A buffer that only torch has; a batch norm whose momentum is a number never reads it."""

Location = tuple[nn.Module, str]


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and persistent buffers by their state dict's names, tied ones under each; no batch counters.

    Raises MatchError for a lazy module, whose shapes are not known yet.
    """
    names: dict[str, torch.Tensor] = {}
    for path, owner in module.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        for name, tensor in (*owner._parameters.items(), *owner._buffers.items()):
            if tensor is None or name in owner._non_persistent_buffers_set or name == COUNTER:
                continue
            if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
                raise MatchError(
                    f"{prefix}{name} of the module has no shape yet: {type(owner).__name__} is lazy. "
                    "Run the module once on an example, then load."
                )
            names[prefix + name] = tensor
    return names


def locations(module: nn.Module) -> dict[int, list[Location]]:
    """Where each parameter and buffer is held, by the tensor's ``id``; a tied one is held in several places."""
    places: dict[int, list[Location]] = {}
    for owner in module.modules():
        for name, tensor in (*owner._parameters.items(), *owner._buffers.items()):
            if tensor is not None:
                places.setdefault(id(tensor), []).append((owner, name))
    return places


def replace(places: list[Location], value: torch.Tensor) -> None:
    """Put one new tensor where an old one was held: a parameter stays one, and stays trained or not.

    It is set as an attribute, since recurrent modules keep lists of their parameters beside.
    """
    for owner, name in places:
        old = owner._parameters.get(name)
        if old is not None and not isinstance(value, nn.Parameter):
            value = nn.Parameter(value, requires_grad=old.requires_grad)
        setattr(owner, name, value)
