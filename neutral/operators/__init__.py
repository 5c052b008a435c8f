"""The catalogue of operator kinds, one module a family. ``catalogue["convolution"]`` is a kind's definition."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from neutral.operators.catalogue import Attribute, Catalogue, Operator, Role, UnknownOperator

__all__ = ["Attribute", "Catalogue", "Operator", "Role", "UnknownOperator", "catalogue"]

catalogue = Catalogue()
"""Every kind that the store may hold."""

_INFRASTRUCTURE = ("catalogue", "dtypes", "ranks")

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _INFRASTRUCTURE):
    for _operator in import_module(f"{__name__}.{_module}").OPERATORS:
        catalogue.add(_operator)
