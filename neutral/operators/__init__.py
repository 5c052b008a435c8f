"""The catalogue of operator kinds: one module for each family, with its declarations in ``OPERATORS``.

Example:
    >>> from neutral.operators import catalogue
    >>> catalogue["linear"].meaning.partition(",")[0]
    'output = input weight^T + bias'
    >>> [attribute.name for attribute in catalogue["softmax"].attributes]
    ['axis']
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from neutral.operators.catalogue import Catalogue, UnknownOperator
from neutral.operators.declarations import Attribute, Operator, Role

__all__ = ["Attribute", "Catalogue", "Operator", "Role", "UnknownOperator", "catalogue"]

catalogue = Catalogue()
"""Every kind that a store may hold."""

_NO_FAMILIES = ("attribute_types", "catalogue", "declarations", "dtypes", "ranks")

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _NO_FAMILIES):
    for _operator in import_module(f"{__name__}.{_module}").OPERATORS:
        catalogue.add(_operator)
