"""Operators that Neutral lacks, from other packages (entry-point group ``neutral.operators``) and from files.

A plug-in is a module, or any object, with

* ``OPERATORS``, the catalogue's entries of its kinds (:class:`neutral.operators.Operator`),
* a function for each framework that it knows, called with that side's ``rule`` decorator when the side is first used:
  ``mxnet(rule)`` registers reader rules, ``torch(rule)`` emitter rules.

``docs/plugins.md`` has an example.
"""

from __future__ import annotations

import os
from typing import Any, Callable

from neutral import plugins
from neutral.errors import UsageError
from neutral.operators import catalogue
from neutral.plugins import PluginError

GROUP = "neutral.operators"

_loaded: dict[str, Any] = {}
_applied: set[tuple[str, str]] = set()
_searched = False


def add_file(path: str) -> None:
    """Load a plug-in from a Python file, which is run; a file that is loaded already is left as it is.

    Raises UsageError where there is no such file, and PluginError where it cannot be run or is no plug-in.
    """
    if not os.path.isfile(path):
        raise UsageError(f"{path}: there is no such plug-in file.")
    name = os.path.realpath(path)
    if name in _loaded:
        return
    from importlib.machinery import SourceFileLoader
    from types import ModuleType

    module = ModuleType(f"neutral_plugin_{len(_loaded)}")
    try:
        SourceFileLoader(module.__name__, name).exec_module(module)
    except Exception as error:
        raise PluginError(f"{path}: the plug-in cannot be run: {type(error).__name__}: {error}") from error
    _add(name, module)


def apply(framework: str, rule: Callable[..., Any]) -> None:
    """Let every plug-in that is loaded register its rules for a framework, each once."""
    for name, plugin in list(_loaded.items()):
        register = getattr(plugin, framework, None)
        if register is not None and (name, framework) not in _applied:
            _applied.add((name, framework))
            register(rule)


def search() -> None:
    """Load the installed plug-ins, and so their catalogue entries, the first time that any is asked for."""
    global _searched
    if not _searched:
        _searched = True
        for name in plugins.names(GROUP):
            _add(name, plugins.load(GROUP, name))


def _add(name: str, plugin: Any) -> None:
    if not hasattr(plugin, "OPERATORS"):
        raise PluginError(f"{name}: a plug-in for operators has OPERATORS, the catalogue's entries, and this has none.")
    for operator in plugin.OPERATORS:
        catalogue.add(operator)
    _loaded[name] = plugin


catalogue.on_missing(search)
