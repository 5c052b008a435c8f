"""Each validator and its JSON Schema accept and refuse the same values."""

from __future__ import annotations

from typing import Any

import pytest

from neutral.manifest import compound_validators as c
from neutral.manifest import validators as v
from neutral.manifest.validators import Validator

RANGE = c.record({"tensor": v.text()}, {"start": v.size(), "nbytes": v.size()})

CASES: dict[str, tuple[Validator, list[Any], list[Any]]] = {
    "anything": (v.anything(), [None, 1, "a", [], {}], []),
    "constant": (v.constant("neutral"), ["neutral"], ["other", 1, None]),
    "null": (v.null(), [None], [0, "", False]),
    "text": (v.text(), ["", "a"], [1, None, ["a"]]),
    "boolean": (v.boolean(), [True, False], [0, 1, "true", None]),
    "number": (v.number(), [0, -1, 1.5], ["1", None, True]),
    "size": (v.size(), [0, 7], [-1, 1.5, "1", True, None]),
    "one_of": (v.one_of("a", "b"), ["a", "b"], ["c", 1, None]),
    "matching": (v.matching("[0-9a-f]{2}"), ["0f"], ["0F", "0", "0ff", 15]),
    "optional": (c.optional(v.size()), [None, 1], [-1, "1"]),
    "list_of": (c.list_of(v.size()), [[], [1, 2]], [[1, -1], 1, {}, "12"]),
    "tuple_of": (c.tuple_of(v.text(), v.size()), [["a", 0]], [["a"], ["a", 0, 0], [0, "a"], "a0", {}]),
    "table_of": (c.table_of(v.size()), [{}, {"a": 1}], [{"a": -1}, [], 1]),
    "record": (
        RANGE,
        [{"tensor": "a"}, {"tensor": "a", "start": 1}],
        [{}, {"tensor": 1}, {"tensor": "a", "end": 1}, []],
    ),
    "together": (
        c.together(RANGE, "start", "nbytes"),
        [{"tensor": "a"}, {"tensor": "a", "start": 1, "nbytes": 2}],
        [{"tensor": "a", "start": 1}, {"tensor": "a", "nbytes": 1}, {"start": 1, "nbytes": 2}],
    ),
    "by_type": (c.by_type({int: v.size(), str: v.one_of("inf")}), [1, "inf"], [-1, "nan", True, None, []]),
    "by_key": (
        c.by_key("text", c.record({"text": v.text()}), c.record({"size": v.size()})),
        [{"text": "a"}, {"size": 1}],
        [{"text": 1}, {"size": -1}, {"text": "a", "size": 1}, {}, 1],
    ),
    "named": (c.list_of(c.named("size", v.size(), "A description.")), [[], [1]], [[-1], 1]),
}


@pytest.mark.parametrize("name", CASES)
def test_check_and_schema_agree(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator, accepted, refused = CASES[name]
    document = {**validator.schema, "$defs": validator.definitions}
    schema = jsonschema.Draft202012Validator(document)
    for value in accepted:
        validator.check(value)
        assert schema.is_valid(value), value
    for value in refused:
        with pytest.raises(ValueError):
            validator.check(value)
        assert not schema.is_valid(value), value


@pytest.mark.parametrize("value", [1.0, True, "1"])
def test_a_constant_has_a_type(value: Any) -> None:
    with pytest.raises(ValueError, match="expected 1, found"):
        v.constant(1).check(value)


def test_a_message_names_the_place_and_cuts_long_values() -> None:
    validator = c.table_of(c.list_of(v.size()))
    with pytest.raises(ValueError) as caught:
        validator.check({"shape": [1, "x" * 100]})
    assert str(caught.value) == (f"shape: [1] expected a whole number that is not negative, found '{'x' * 56}...")


def test_keywords_are_of_the_schema_alone() -> None:
    validator = c.with_keywords(c.list_of(v.size()), uniqueItems=True)
    validator.check([1, 1])
    assert validator.schema["uniqueItems"] is True


@pytest.mark.parametrize(
    ("validator", "value", "message"),
    [
        (v.constant(1), True, "expected 1, found True"),
        (v.null(), 0, "expected null, found 0"),
        (v.text(), 1, "expected a text, found 1"),
        (v.boolean(), 1, "expected true or false, found 1"),
        (v.number(), "1", "expected a number, found '1'"),
        (v.size(), -1, "expected a whole number that is not negative, found -1"),
        (v.one_of("a", "b"), "c", "expected one of a, b, found 'c'"),
        (v.matching("[0-9]+"), "x", r"expected a text that matches [0-9]+, found 'x'"),
        (v.text(), ["a" * 100], "expected a text, found ['" + "a" * 55 + "..."),
        (c.list_of(v.size()), {}, "expected a list, found {}"),
        (c.list_of(c.list_of(v.size())), [[0], [1, "2"]], "[1] [1] expected a whole number that is not negative"),
        (c.tuple_of(v.text(), v.size()), ["a"], "expected a list of 2 items, found ['a']"),
        (c.table_of(v.size()), [], "expected an object, found []"),
        (c.table_of(c.table_of(v.size())), {"a": {"b": -1}}, "a: b: expected a whole number"),
        (RANGE, [], "expected an object, found []"),
        (RANGE, {"start": 1}, "key 'tensor' is missing"),
        (RANGE, {"tensor": "a", "end": 1}, "unexpected key 'end'; expected tensor, start, nbytes"),
        (c.together(RANGE, "start", "nbytes"), {"tensor": "a", "start": 1}, "keys start and nbytes go together"),
        (c.by_type({int: v.size(), str: v.text()}), True, "expected one of the types int, str, found True"),
    ],
)
def test_messages(validator: Validator, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        validator.check(value)
    assert str(caught.value).startswith(message)


def test_a_field_without_a_rule_adds_none_to_the_schema() -> None:
    assert c.table_of(v.anything()).schema == {"type": "object"}
    assert c.table_of(v.size()).schema == {"type": "object", "additionalProperties": v.size().schema}


def test_alternatives_of_one_schema_are_written_once() -> None:
    alternatives = c.by_type({int: v.number(), float: v.number(), str: v.text()})
    assert alternatives.schema == {"anyOf": [v.number().schema, v.text().schema]}


def test_a_message_quotes_60_characters_of_a_value_and_no_more() -> None:
    assert v.short("a" * 58) == repr("a" * 58)
    assert v.short("a" * 59) == "'" + "a" * 56 + "..."


def test_a_description_is_in_the_schema_if_there_is_one() -> None:
    assert c.named("size", v.size(), "A size.").definitions == {"size": {"description": "A size.", **v.size().schema}}
    assert c.named("size", v.size()).definitions == {"size": v.size().schema}
