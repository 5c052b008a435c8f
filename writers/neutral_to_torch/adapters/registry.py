"""Registry of adapters by torch module type."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Mapping, TypeVar

from torch import nn

from neutral.errors import NeutralError
from neutral.matching.layouts import TensorLayout
from neutral_to_torch.adapters.alterations import is_altered
from neutral_to_torch.adapters.state import own_tensors


class Adapter:
    """Translation between a torch module type and a kind of the catalogue.

    Attributes:
        kind: The catalogue's kind.
        tensors: The names of the parameters and buffers that are roles of the kind; torch names them as the catalogue
            does.
        settable: The module's own attribute of each attribute of the catalogue that holds the same value.
        implied: Attributes that the catalogue lacks because the meaning of the kind fixes them, with the fixed values.
            A module may have other values.

    Example:
        An adapter of a module type of another package:

        >>> from torch import nn
        >>> class ScaledLinear(nn.Linear):
        ...     def forward(self, x):
        ...         return 2 * super().forward(x)
        >>> adapter_of(ScaledLinear(3, 2)).kind, has_known_forward(ScaledLinear(3, 2))
        ('linear', False)
    """

    kind: ClassVar[str]
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    settable: ClassVar[Mapping[str, str]] = {}
    implied: ClassVar[Mapping[str, Any]] = {}

    def attributes(self, module: Any) -> dict[str, Any]:
        """Return the module's attributes as the catalogue defines them, and those of ``implied``.

        Args:
            module: A module.

        Returns:
            Values by the names of the catalogue; tuples for attributes of several dimensions.
        """
        return {}

    def roles(self, module: Any) -> tuple[str, ...]:
        """Return the names of the module's own tensors that are roles of the kind.

        Args:
            module: A module.

        Returns:
            The names, in the order of :attr:`tensors`.
        """
        own = own_tensors(module)
        return tuple(name for name in self.tensors if name in own)

    def layouts(self, module: Any) -> dict[str, TensorLayout]:
        """Return the layouts of roles that the module's tensors hold otherwise than the catalogue.

        Args:
            module: A module of the adapted type.

        Returns:
            The layout by role; roles in the catalogue's layout are left out.
        """
        return {}

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        """Give a module the stored value of an attribute.

        Args:
            module: The module.
            attribute: The attribute's name in the catalogue.
            value: The stored value.

        Returns:
            False where a module of this type cannot have it; the module is then unchanged.
        """
        if attribute not in self.settable:
            return False
        setattr(module, self.settable[attribute], value)
        return True

    def argument(self, attribute: str, value: Any) -> str:
        """Return the argument of the module's constructor that gives it the stored value of an attribute.

        Args:
            attribute: An attribute that :meth:`set` can set.
            value: The stored value.

        Returns:
            Source text: ``name=value``; where no argument has the effect, the name is that of an attribute.
        """
        return f"{self.settable.get(attribute, attribute)}={value!r}"


_ADAPTERS: dict[type[nn.Module], Adapter] = {}

_BY_NAME: dict[str, Adapter] = {}
"""Adapters of types in packages that are not imported for them, by the dotted name of the type."""

A = TypeVar("A", bound=type[Adapter])


def adapts(*types: type[nn.Module]) -> Callable[[A], A]:
    """Register an adapter class for module types and their subclasses.

    Args:
        types: Module types that have no adapter yet.

    Returns:
        A class decorator, which makes one instance of the class.

    Raises:
        NeutralError: A type has an adapter already.
    """

    def register(adapter: A) -> A:
        for module_type in types:
            if module_type in _ADAPTERS:
                raise NeutralError(f"{module_type.__name__} has two adapters.")
            _ADAPTERS[module_type] = adapter()
        return adapter

    return register


def adapts_named(name: str) -> Callable[[A], A]:
    """Register an adapter class for a module type of a package that need not be installed.

    Args:
        name: The dotted name of the type.

    Returns:
        A decorator that returns the class unchanged.
    """

    def register(adapter: A) -> A:
        _BY_NAME[name] = adapter()
        return adapter

    return register


def adapted_type(module: nn.Module) -> type[nn.Module] | None:
    """Return the most specific base of the module's type that has an adapter, None where there is none.

    Args:
        module: A module.

    Returns:
        A type of torch, or one that a plug-in registered or named.

    Example:
        >>> class Head(nn.Linear):
        ...     pass
        >>> adapted_type(Head(3, 2)).__name__, adapted_type(nn.Sequential())
        ('Linear', None)
    """
    return next((base for base in type(module).__mro__ if base in _ADAPTERS or _dotted(base) in _BY_NAME), None)


def _dotted(module_type: type[Any]) -> str:
    return f"{module_type.__module__}.{module_type.__qualname__}"


def has_known_forward(module: nn.Module) -> bool:
    """Return whether the module's ``forward`` is that of the class that has an adapter.

    That is not so where its type or itself replaces ``forward`` or a method that it uses, where it has hooks, and where
    its weights are computed from others.

    Args:
        module: A module.

    Returns:
        True if the module's type alone determines its computation.

    Example:
        >>> fc = nn.Linear(3, 2)
        >>> has_known_forward(fc), has_known_forward(nn.utils.parametrizations.weight_norm(fc))
        (True, False)
    """
    known = adapted_type(module)
    return known is not None and not is_altered(module, known)


def adapter_of(module: nn.Module) -> Adapter | None:
    """Return the adapter of the module's type or nearest base, None where there is none.

    Args:
        module: A module.

    Returns:
        The adapter, also where :func:`has_known_forward` is False.

    Example:
        >>> adapter_of(nn.Conv2d(1, 1, 3)).kind
        'convolution'
    """
    base = adapted_type(module)
    return None if base is None else _ADAPTERS.get(base) or _BY_NAME[_dotted(base)]


def adapted_types() -> dict[type[nn.Module], Adapter]:
    """Return every type with its adapter, for the table of the documentation.

    Returns:
        A new dict.

    Example:
        >>> adapted_types()[nn.Linear].kind
        'linear'
    """
    return dict(_ADAPTERS)
