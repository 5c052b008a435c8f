"""Make arguments to trace a module: from an example, a golden file's inputs, or random numbers."""

from __future__ import annotations

from typing import Any, Mapping

import torch
from torch import nn

from neutral.errors import VerificationError
from neutral.graph import Graph
from neutral.verification.golden import Golden
from neutral_to_torch.trace.inputs import arguments, as_tensor, by_name_or_order

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments."""


def given_arguments(module: nn.Module, example: Any) -> Arguments:
    """Return the arguments that an example means.

    Args:
        module: The module to call.
        example: A tensor or array for the only argument, a tuple or list of positional ones, or a dict by name.

    Returns:
        Positional arguments and keyword arguments.

    Example:
        >>> args, kwargs = given_arguments(nn.ReLU(), {"input": torch.zeros(2)})
        >>> args, list(kwargs)
        ((), ['input'])
    """
    if isinstance(example, Mapping):
        return (), {name: _tensors(value, module) for name, value in example.items()}
    if isinstance(example, (tuple, list)):
        return tuple(_tensors(value, module) for value in example), {}
    return (as_tensor(example, module),), {}


def golden_arguments(module: nn.Module, golden: Golden) -> Arguments:
    """Return the inputs of a golden file as arguments of a module.

    Args:
        module: The module, which is not run.
        golden: The recorded run.

    Returns:
        Positional arguments and keyword arguments.
    """
    args, kwargs, _ = arguments(module, golden, None)
    return args, kwargs


def random_arguments(module: nn.Module, graph: Graph) -> Arguments | None:
    """Return random arguments in the shapes of a graph's inputs, zeros for integers.

    Args:
        module: The module to call.
        graph: The graph. An unknown batch size becomes 2.

    Returns:
        None where other extents are unknown or the module takes other arguments.
    """
    named: dict[str, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(0)
    for item in graph.inputs:
        if item.shape is None or None in item.shape[1:]:
            return None
        shape = tuple(2 if extent is None else extent for extent in item.shape)
        dtype = getattr(torch, item.dtype or "float32", torch.float32)
        numbers = torch.randn(shape, generator=generator) if dtype.is_floating_point else torch.zeros(shape)
        named[item.name] = as_tensor(numbers.to(dtype), module)
    try:
        args, kwargs, _ = by_name_or_order(module, named, "the stored graph")
    except VerificationError:
        return None
    return args, kwargs


def _tensors(value: Any, module: nn.Module) -> Any:
    if isinstance(value, Mapping):
        return {name: _tensors(item, module) for name, item in value.items()}
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_tensors(item, module) for item in value)
    return as_tensor(value, module)
