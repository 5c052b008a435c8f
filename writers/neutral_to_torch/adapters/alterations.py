"""Find modules that compute something else than their type says: hooks, replaced methods, computed weights."""

from __future__ import annotations

from typing import Any, Iterator

from torch import nn
from torch.nn.modules import module as module_globals
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

HARMLESS = frozenset(
    (
        "__init__", "__new__", "__repr__", "__str__", "__dir__", "__doc__", "__module__", "__qualname__", "__dict__",
        "__weakref__", "__annotations__", "__constants__", "__parameters__", "__static_attributes__", "__slots__",
        "__firstlineno__", "__getstate__", "__setstate__", "__deepcopy__", "__copy__", "__reduce__", "__reduce_ex__",
        "__hash__", "__eq__", "__init_subclass__", "__class_getitem__", "__annotate__", "__annotate_func__",
        "__annotations_cache__", "__orig_bases__", "__type_params__",
        "extra_repr", "reset_parameters", "reset_running_stats", "_version", "_load_from_state_dict",
        "_save_to_state_dict", "state_dict", "load_state_dict", "from_pretrained", "train", "eval", "extra_state",
        "get_extra_state", "set_extra_state", "training",
    )
)  # fmt: skip
"""Attributes of a module's class that do not change what it computes."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")

_CALLED = ("__call__", "_call_impl", "_wrapped_call_impl", "__getattr__", "__getattribute__")
"""Methods of every module that take part in a call."""


def has_hooks(module: nn.Module) -> bool:
    """Return whether hooks, of the module or of all modules, may change its inputs or outputs.

    Args:
        module: The module; its children are not looked at.

    Returns:
        True also for hooks that are registered for all modules.
    """
    own = any(getattr(module, name, None) for name in _HOOKS)
    return own or bool(module_globals._global_forward_hooks or module_globals._global_forward_pre_hooks)


def is_altered(module: nn.Module, known: type[nn.Module]) -> bool:
    """Return whether a module may compute something else than a plain one of a known type.

    Args:
        module: The module.
        known: A base of its type.

    Returns:
        True if it has hooks or parametrizations, or if an object or subclass overrides a method of ``known``.
    """
    methods = _methods_of(known)
    own = vars(module).keys()
    if has_hooks(module) or parametrize.is_parametrized(module) or own & (methods | set(_CALLED)):
        return True
    return any(methods & vars(base).keys() or _is_property_of(base, module) for base in _bases_below(module, known))


def hints_of(path: str, module: nn.Module) -> Iterator[str]:
    """Yield the changes that a module whose weights are computed from others needs before it can be filled.

    Args:
        path: The module's path, "" for the root.
        module: The module.

    Yields:
        A clause for a message: the hook that computes a weight, and the call that removes it.
    """
    is_plain = all(part.isidentifier() for part in path.split("."))
    where = f"module.{path}" if is_plain else f'module.get_submodule("{path}")' if path else "module"
    if parametrize.is_parametrized(module):
        for name, computed in module.parametrizations.items():  # type: ignore[operator,union-attr]
            by = ", ".join(type(item).__name__.lstrip("_") for item in computed)
            call = f'torch.nn.utils.parametrize.remove_parametrizations({where}, "{name}")'
            yield f"{by} computes {name} of {path or 'the module'} from other tensors: remove it, {call}"
    for hook in getattr(module, "_forward_pre_hooks", {}).values():
        for kind, by, call in _HOOKS_OF_WEIGHTS:
            if isinstance(hook, kind):
                name = getattr(hook, "name", None) or getattr(hook, "_tensor_name", "weight")
                remedy = f'torch.nn.utils.{call}({where}, "{name}")'
                yield f"{by} computes {name} of {path or 'the module'} from other tensors: remove it, {remedy}"


_HOOKS_OF_WEIGHTS: tuple[tuple[type[Any], str, str], ...] = (
    (WeightNorm, "weight_norm", "remove_weight_norm"),
    (SpectralNorm, "spectral_norm", "remove_spectral_norm"),
    (BasePruningMethod, "pruning", "prune.remove"),
)
"""Hooks that compute a weight, how torch calls them, and the function that removes them."""


def _methods_of(known: type[nn.Module]) -> set[str]:
    """Return the attributes of a type that its forward may use, without those of every module."""
    bases = [base for base in known.__mro__ if base not in nn.Module.__mro__]
    return {name for base in bases for name in vars(base)} - HARMLESS


def _bases_below(module: nn.Module, known: type[nn.Module]) -> Iterator[type[Any]]:
    """Yield the classes of a module that take precedence over a known one."""
    for base in type(module).__mro__:
        if base is known:
            return
        yield base


def _is_property_of(base: type[Any], module: nn.Module) -> bool:
    """Return whether a class overrides how modules are called, or computes what would be a tensor of the module."""
    tensors = {"weight", "bias", *getattr(module, "_parameters", {}).keys()}
    return bool(vars(base).keys() & (tensors | set(_CALLED)))
