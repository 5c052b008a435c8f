"""Packages whose public names are imported when they are first used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Callable, Mapping


def lazy_exports(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package that imports its public names on their first use.

    Args:
        package: The ``__name__`` of the package.
        homes: The module that defines each public name.

    Returns:
        The two functions, to be assigned in the package's ``__init__``.

    Example:
        >>> get_attribute, list_names = lazy_exports("neutral", {"Store": "neutral.store"})
        >>> get_attribute("Store").__name__, list_names()
        ('Store', ['Store'])
    """

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get_attribute, lambda: sorted(homes)
