"""Every kind of the catalogue has a reference function, which takes what the catalogue says."""

from __future__ import annotations

import inspect

from neutral.operators import catalogue
from neutral.reference import missing_kinds
from neutral.reference.registry import context_of, load_functions

MISSING: list[str] = []


def test_the_kinds_without_a_reference_function_are_these() -> None:
    assert missing_kinds() == MISSING


def test_functions_are_of_kinds_of_the_catalogue() -> None:
    assert [kind for kind in load_functions() if kind not in catalogue] == []


def test_functions_take_the_attributes_and_fixed_roles_of_their_kinds() -> None:
    for kind, function in load_functions().items():
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:  # a function of NumPy's
            assert catalogue[kind].attributes == catalogue[kind].roles == ()
            continue
        names = {parameter.name for parameter in parameters}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            expected = {attribute.name for attribute in catalogue[kind].attributes}
            expected |= {role.name for role in catalogue[kind].roles}
            context = context_of(kind)
            assert expected | ({context} if context else set()) <= names, kind
