"""Plug-ins with operator kinds: installed packages (entry-point group ``neutral.operators``) and Python files.

A plug-in is a module, or any object, with

* ``OPERATORS``, the declarations of its kinds (:class:`neutral.operators.Operator`), and
* one function for each framework that it supports, named after the framework. It is called with the ``rule`` decorator
  of that framework's reader or writer when that is first used: ``mxnet(rule)`` registers reader rules, ``torch(rule)``
  emitter rules.

``docs/plugins.md`` has an example.
"""

from __future__ import annotations

import os
from typing import Any, Callable

from neutral import plugins
from neutral.errors import UsageError
from neutral.operators import Operator, catalogue
from neutral.plugins import PluginError

_loaded: dict[str, Any] = {}
_applied: set[tuple[str, str]] = set()
_searched = False


def add_file(path: str) -> None:
    """Run a Python file and register it as a plug-in. A file that is registered already is not run again.

    Args:
        path: The file.

    Raises:
        UsageError: If there is no such file.
        PluginError: If running the file raises, or it is not an operator plug-in.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        ...     _ = file.write("OPERATORS = ()")
        ...     file.flush()
        ...     add_file(file.name)
    """
    if not os.path.isfile(path):
        raise UsageError(f"{path}: plug-in file not found.")
    name = os.path.realpath(path)
    if name in _loaded:
        return
    from importlib.machinery import SourceFileLoader
    from types import ModuleType

    module = ModuleType(f"{plugins.FILE_PREFIX}{len(_loaded)}")
    try:
        SourceFileLoader(module.__name__, name).exec_module(module)
    except Exception as error:
        raise PluginError(f"{path}: the plug-in raised {type(error).__name__} when it was run: {error}") from error
    _register(name, module)


def apply(framework: str, rule: Callable[..., Any]) -> None:
    """Let every registered plug-in add its rules for a framework; each plug-in is asked once.

    Args:
        framework: The framework's name, which is the name of the plug-ins' function: ``mxnet`` or ``torch``.
        rule: The decorator that registers a rule in that framework's reader or writer.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        ...     _ = file.write("OPERATORS = (); listing = lambda rule: rule('custom')")
        ...     file.flush()
        ...     add_file(file.name)
        >>> apply("listing", lambda kind: print("a rule for", kind))
        a rule for custom
    """
    for name, plugin in list(_loaded.items()):
        add_rules = getattr(plugin, framework, None)
        if add_rules is not None and (name, framework) not in _applied:
            _applied.add((name, framework))
            add_rules(rule)


def search() -> None:
    """Register the installed plug-ins, the first time that it is called.

    The catalogue calls it when a kind is looked up that is not registered.

    Raises:
        PluginError: If an installed plug-in cannot be imported, or is not an operator plug-in.
    """
    global _searched
    if not _searched:
        _searched = True
        for name in plugins.names(plugins.OPERATORS):
            _register(name, plugins.load(plugins.OPERATORS, name))


def _register(name: str, plugin: Any) -> None:
    """Add the kinds of a plug-in to the catalogue."""
    if not hasattr(plugin, "OPERATORS"):
        raise PluginError(f"{name}: not an operator plug-in: OPERATORS is missing.")
    for operator in plugin.OPERATORS:
        if not isinstance(operator, Operator):
            type_name = type(operator).__name__
            raise PluginError(f"{name}: not an operator plug-in: OPERATORS holds a {type_name}, expected Operator.")
        catalogue.add(operator)
    _loaded[name] = plugin


catalogue.on_missing(search)
