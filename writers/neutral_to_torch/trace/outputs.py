"""Tensors in the arguments and results of modules."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, Iterator, Mapping

import torch


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of nested tuples, lists, dicts, dataclasses and namespaces, in order.

    Args:
        value: The value that a module returned: tensors in any nesting of these; other values are left out.

    Yields:
        A tensor, in the order of the structure.

    Example:
        >>> [tensor.item() for tensor in tensors_in({"a": torch.tensor(1), "b": [torch.tensor(2)]})]
        [1, 2]
    """
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for item in dataclasses.fields(value):
            yield from tensors_in(getattr(value, item.name))
    elif isinstance(value, SimpleNamespace):
        yield from tensors_in(vars(value))


def is_transformed(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is that of a transform of functions, such as ``torch.vmap``, after which it is invalid.

    Args:
        tensor: A tensor.

    Example:
        >>> is_transformed(torch.zeros(2))
        False
        >>> _ = torch.vmap(lambda row: print(is_transformed(row)) or row)(torch.zeros(2, 3))
        True
    """
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
