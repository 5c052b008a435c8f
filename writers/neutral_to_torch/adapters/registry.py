"""Which adapter speaks for which torch module type."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Mapping, TypeVar

from torch import nn

from neutral.errors import NeutralError


class Adapter:
    """What a torch module type is in the catalogue's terms.

    ``kind`` is the catalogue's kind. ``tensors`` are the names of the parameters and buffers that are roles of the
    kind; torch names them as the catalogue does. ``settable`` maps an attribute to the module's own attribute that
    holds the same value. ``implied`` are attributes that the catalogue lacks because its meaning fixes them: a module
    may have others.
    """

    kind: ClassVar[str]
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    settable: ClassVar[Mapping[str, str]] = {}
    implied: ClassVar[Mapping[str, Any]] = {}

    def attributes(self, module: Any) -> dict[str, Any]:
        """The module's attributes as the catalogue means them, and those that only torch has (see ``implied``)."""
        return {}

    def roles(self, module: Any) -> tuple[str, ...]:
        """The names of the module's own tensors that are roles of the kind."""
        own = {**module._parameters, **module._buffers}
        return tuple(name for name in self.tensors if own.get(name) is not None)

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        """Give the module a stored attribute; False where a module of this type cannot have it."""
        if attribute not in self.settable:
            return False
        setattr(module, self.settable[attribute], value)
        return True


_ADAPTERS: dict[type[nn.Module], Adapter] = {}

A = TypeVar("A", bound=type[Adapter])


def adapts(*types: type[nn.Module]) -> Callable[[A], A]:
    """Register an adapter class for module types; their subclasses count too."""

    def register(adapter: A) -> A:
        for module_type in types:
            if module_type in _ADAPTERS:
                raise NeutralError(f"{module_type.__name__} has two adapters.")
            _ADAPTERS[module_type] = adapter()
        return adapter

    return register


def adapted_type(module: nn.Module) -> type[nn.Module] | None:
    """The most specific type of ``module`` that has an adapter."""
    return next((base for base in type(module).__mro__ if base in _ADAPTERS), None)


def has_known_forward(module: nn.Module) -> bool:
    """Whether the module computes what the type with an adapter that it is of computes."""
    known = adapted_type(module)
    return known is not None and type(module).forward is known.forward


def adapter_of(module: nn.Module) -> Adapter | None:
    """The adapter of the module's type or nearest base; None where the module is nothing the catalogue knows."""
    base = adapted_type(module)
    return None if base is None else _ADAPTERS[base]


def adapted_types() -> dict[type[nn.Module], Adapter]:
    """Every type with an adapter, for the documentation's table."""
    return dict(_ADAPTERS)
