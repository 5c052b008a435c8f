"""Rules that convert MXNet's operators to neutral ones: one short function each, one module per family.

A rule is registered under the operator's canonical name and gets a :class:`NodeContext`. :mod:`refused` lists the
operators without a rule, with reasons. Modules of the package are imported automatically.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from mxnet_to_neutral.operators.refused import REFUSED
from mxnet_to_neutral.operators.registry import RULES, Rule, rule

__all__ = ["REFUSED", "RULES", "Rule", "rule"]

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "registry"):
    import_module(f"{__name__}.{_module}")
