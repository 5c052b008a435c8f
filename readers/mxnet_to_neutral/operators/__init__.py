"""MXNet's operators as neutral ones: one small function each, one module a family.

A rule is registered by the operator's canonical name and its aliases, and takes a :class:`NodeContext`. Operators that
:mod:`refused` lists have none.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from mxnet_to_neutral.operators.refused import REFUSED
from mxnet_to_neutral.operators.registry import RULES, Rule, rule

__all__ = ["REFUSED", "RULES", "Rule", "rule"]

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "registry"):
    import_module(f"{__name__}.{_module}")
