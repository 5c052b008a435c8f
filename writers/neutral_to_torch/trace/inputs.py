"""Pass the inputs of a golden file to a module."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from neutral.errors import VerificationError
from neutral.verification.golden import Golden

_FREE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


def arguments(
    module: nn.Module, golden: Golden, given: Sequence[Any] | Mapping[str, Any] | None
) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    """Return arguments for a module, on its device and in its precision.

    Args:
        module: The module to call.
        golden: The golden file whose inputs are passed, without labels.
        given: Arguments in their place, in order or by name; None for the golden inputs.

    Returns:
        Positional arguments, keyword arguments, and notes on inputs that are not passed.

    Raises:
        VerificationError: ``forward`` takes more or fewer arguments.
    """
    if isinstance(given, Mapping):
        return (), {name: as_tensor(value, module) for name, value in given.items()}, ()
    if given is not None:
        return tuple(as_tensor(value, module) for value in given), {}, ()
    named = {item.name: as_tensor(golden.array(item.key), module) for item in golden.inputs if not item.label}
    return by_name_or_order(module, named, "the golden file")


def by_name_or_order(
    module: nn.Module, named: Mapping[str, Any], whose: str
) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    """Pass inputs by name if ``forward`` has arguments of their names, else in order.

    Args:
        module: The module to call.
        named: The inputs by name.
        whose: The origin of the inputs, for messages.

    Returns:
        Positional arguments, keyword arguments, and notes on inputs that are not passed.

    Raises:
        VerificationError: ``forward`` takes more or fewer arguments.
    """
    parameters = signature_of(module).parameters.values()
    accepted = [p for p in parameters if p.kind in _FREE or p.kind is inspect.Parameter.KEYWORD_ONLY]
    required = [p.name for p in accepted if p.default is inspect.Parameter.empty]
    by_name = {p.name: named[p.name] for p in accepted if p.name in named}
    if by_name and all(name in by_name for name in required):
        unused = [name for name in named if name not in by_name]
        notes = (f"forward has no argument for {whose}'s inputs {', '.join(unused)}: not given",) if unused else ()
        positional = tuple(by_name.pop(p.name) for p in accepted if p.kind is inspect.Parameter.POSITIONAL_ONLY)
        return positional, by_name, notes
    limit = sum(p.kind in _FREE for p in accepted)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        limit = max(limit, len(named))
    if not len(required) <= len(named) <= limit:
        raise VerificationError(
            f"{whose} has the inputs {', '.join(named)} and {type(module).__name__}.forward takes "
            f"{', '.join(p.name for p in accepted) or 'none'}. Give `inputs` yourself."
        )
    return tuple(named.values()), {}, ()


def signature_of(module: nn.Module) -> inspect.Signature:
    """Return the signature of ``forward``; of a traced module, that of its schema.

    Args:
        module: The module.

    Returns:
        The parameters of its ``forward``, without ``self``.
    """
    schema = getattr(module.forward, "schema", None)
    if schema is None:
        return inspect.signature(module.forward)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [
            inspect.Parameter(item.name, kind, default=item.default_value if item.has_default_value() else _NONE)
            for item in schema.arguments[1:]  # the first one is the module
        ]
    )


_NONE = inspect.Parameter.empty


def bind_arguments(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by the names of the parameters of ``forward``.

    Args:
        module: The module.
        args: Positional arguments of its ``forward``.
        kwargs: Keyword arguments of its ``forward``.

    Returns:
        The arguments by the names of the parameters.

    Raises:
        TypeError: ``forward`` does not take these arguments.
    """
    return dict(signature_of(module).bind(*args, **kwargs).arguments)


@contextlib.contextmanager
def whole_indices(module: nn.Module) -> Iterator[None]:
    """Let embeddings take indices of a floating dtype, which is the only dtype of some sources.

    Args:
        module: The module, whose embeddings get a hook for the time being.

    Yields:
        None, once; the hooks are removed at the end.
    """

    def to_integers(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(a.long() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args)

    tables = [child for child in module.modules() if isinstance(child, nn.Embedding)]
    handles = [table.register_forward_pre_hook(to_integers) for table in tables]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def as_tensor(value: Any, module: nn.Module) -> Any:
    """Return an array or tensor on the module's device, in the precision of its parameters if floating.

    Args:
        value: An array or tensor; other values are returned unchanged.
        module: The module.

    Returns:
        A tensor for an array or tensor.

    Example:
        >>> as_tensor(np.zeros(2), nn.Linear(2, 2)).dtype
        torch.float32
    """
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    if not isinstance(value, torch.Tensor):
        return value
    own = next((p for p in module.parameters() if p.is_floating_point()), None)
    if own is None:
        return value
    return value.to(device=own.device, dtype=own.dtype if value.is_floating_point() else None)
