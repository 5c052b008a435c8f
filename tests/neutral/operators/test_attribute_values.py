"""Attributes refuse values of other types, out of range or outside of their grammar, in every kind."""

from __future__ import annotations

import pytest

from neutral.operators import Attribute, Operator, catalogue
from neutral.operators.matrix import einsum_problem

HOSTILE = (
    "'); import os; os.system('x') #",
    '"""\nimport os\n"""',
    "ij,jk->ik'\\",
    "one_hot.dtype",
    "__class__",
    "\x1b[31m",
    "{x!r}",
    "",
)
WRONG: dict[str, tuple[object, ...]] = {
    "int": (1.0, True, "1", None, (1,), [1]),
    "float": (True, "1", None, (1.0,), [1.0]),
    "bool": (0, 1, "True", None),
    "str": (1, None, b"x", ("x",)),
    "ints": (1, [1], (1.0,), (True,), ("1",), (None,)),
    "floats": (1.0, [1.0], (True,), ("1",), (None,)),
    "optional_ints": (1, [1], (1.0,), (True,), ("1",)),
    "graph": ({}, "graph", 1),
}
EVERY_ATTRIBUTE = [
    pytest.param(operator, attribute, id=f"{operator.kind}.{attribute.name}")
    for operator in catalogue
    for attribute in operator.attributes
]
FREE_TEXTS = {("opaque", "operator"), ("opaque", "reason")}
"""Attributes that hold any text; nothing is made of an opaque node but messages."""


@pytest.mark.parametrize(("operator", "attribute"), EVERY_ATTRIBUTE)
def test_hostile_texts_are_refused(operator: Operator, attribute: Attribute) -> None:
    if attribute.type == "json" or (operator.kind, attribute.name) in FREE_TEXTS:
        return
    for text in HOSTILE:
        is_empty_einsum = text == "" and attribute.check is not None
        assert is_empty_einsum or attribute.problem(text) is not None


@pytest.mark.parametrize(("operator", "attribute"), EVERY_ATTRIBUTE)
def test_other_types_are_refused(operator: Operator, attribute: Attribute) -> None:
    for value in WRONG.get(attribute.type, ()):
        refused = attribute.problem(value)
        assert (value is None and attribute.optional) or refused is not None
    assert (attribute.problem(None) is None) == (attribute.optional or attribute.type == "json")


@pytest.mark.parametrize(("operator", "attribute"), EVERY_ATTRIBUTE)
def test_ranges_and_lengths_are_stated_soundly(operator: Operator, attribute: Attribute) -> None:
    bounds = [bound for bound in (attribute.minimum, attribute.maximum) if bound is not None]
    assert bounds == sorted(bounds)
    assert not bounds or attribute.type in ("int", "ints", "float", "floats", "optional_ints")
    if attribute.same_length_as is not None:
        assert attribute.same_length_as in {other.name for other in operator.attributes}
    for bound in bounds:
        beyond = bound - 1 if bound == attribute.minimum else bound + 1
        value = (beyond,) if attribute.type.endswith("s") else beyond
        assert attribute.problem(value) is not None


def test_tuples_that_belong_together_have_equal_lengths() -> None:
    attributes = {"axes": (0, 1), "starts": (0,), "ends": (1, None), "steps": (1, 1)}
    assert list(catalogue["slice"].problems(attributes)) == ["slice: starts has 1 items and axes has 2"]


def test_a_value_problem_is_not_reported_for_a_value_of_another_type() -> None:
    assert list(catalogue["split"].problems({"axis": 0, "parts": "many"})) == ["split: parts='many' is not of type int"]


@pytest.mark.parametrize(
    "subscripts", ["ij,jk->ik", "i", "", "...ij,...jk->...ik", "i j , j k -> i k", "ii->", "A,a->Aa"]
)
def test_einsum_subscripts(subscripts: str) -> None:
    assert einsum_problem(subscripts) is None


@pytest.mark.parametrize(
    "subscripts", ["ij->k", "i->ii", "i->i->i", "i..->i", "i,j->i;", "é", "i\n", "....", "i...j...", "1"]
)
def test_texts_that_are_not_einsum_subscripts(subscripts: str) -> None:
    assert einsum_problem(subscripts) is not None


def test_long_texts_are_checked_without_backtracking() -> None:
    for text in ("a" * 100_000 + "!", " " * 100_000 + "!", "a " * 50_000 + "!", "," * 100_000 + "!", "..." * 30_000):
        assert einsum_problem(text) is not None
    assert einsum_problem("b" * 100_000 + "a->" + "a" * 100_000) == "has the output axis 'a' twice"


@pytest.mark.parametrize(("kind", "count", "fits"), [
    ("add", 1, False), ("add", 2, True), ("add", 3, False), ("concatenate", 0, True), ("concatenate", 9, True),
    ("branch", 0, False), ("branch", 1, True), ("lstm", 1, True), ("lstm", 4, True), ("lstm", 5, False),
    ("full", 1, False),
])  # fmt: skip
def test_arity(kind: str, count: int, fits: bool) -> None:
    assert (catalogue[kind].arity_problem(count) is None) is fits


def test_groups_have_to_divide_the_output_channels() -> None:
    attributes = {"out_channels": 6, "groups": 4}
    window = {"kernel_size": (1,), "stride": (1,), "padding": (0,), "dilation": (1,), "layout": "channels_first"}
    expected = ["convolution: out_channels=6 is not divisible by groups=4"]
    assert list(catalogue["convolution"].value_problems({**attributes, **window})) == expected
    assert list(catalogue["convolution"].value_problems({"groups": 4, **window})) == []
