"""Find the tensors that a call of a torch operator writes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Mapping, Sequence

import torch

_STATISTICS = ("running_mean", "running_var")
"""Arguments that batch norms write in training, which their schemas do not say."""


def written_arguments(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return the tensors that a call writes, by the names of their arguments; of lists, with numbers.

    Args:
        func: The operator.
        args: The positional arguments.
        kwargs: The keyword arguments.
    """
    names, written = _schema_of(func)
    if not written:
        return {}
    bound = {**dict(zip(names, args)), **kwargs}
    if not func._schema.is_mutable and not bound.get("training", bound.get("train")):
        return {}
    tensors: dict[str, torch.Tensor] = {}
    for name in written:
        items = bound.get(name)
        for index, item in enumerate(items if isinstance(items, (list, tuple)) else (items,)):
            if isinstance(item, torch.Tensor):
                tensors[f"{name}.{index}"] = item
    return tensors


@lru_cache(maxsize=None)
def _schema_of(func: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of all arguments of an operator, and of those that it may write."""
    arguments = func._schema.arguments
    written = [item.name for item in arguments if item.alias_info is not None and item.alias_info.is_write]
    if not written and any(item.name in ("training", "train") for item in arguments):
        written = [item.name for item in arguments if item.name in _STATISTICS]
    return tuple(item.name for item in arguments), tuple(written)
