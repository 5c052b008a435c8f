"""JSON that is parsed strictly, as headers and indices are."""

from __future__ import annotations

import json
import re

import pytest

from neutral.strict_json import bounded_int, parse_object, reject_constant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1]", "not an object"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "duplicate key 'b'"),
        (b'{"a": 1.0}', "1.0 is not a whole number"),
        (b'{"a": 1e5}', "1e5 is not a whole number"),
        (b'{"a": NaN}', "NaN is not a whole number"),
        (b'{"a": -Infinity}', "-Infinity is not a whole number"),
        (b'{"a": 12345678901234567890}', "a number of 20 digits; at most 19 are allowed"),
        (b'{"a": ' + b"1" * 40 + b".5}", "1" * 30 + " is not a whole number"),
    ],
)
def test_what_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_object(text)


def test_unique_keys_and_whole_numbers_are_kept() -> None:
    assert parse_object(b'{"a": [1, -2], "b": {"a": 9223372036854775807}}') == {"a": [1, -2], "b": {"a": 2**63 - 1}}
    with pytest.raises(UnicodeDecodeError):
        parse_object(b'{"\xff": 1}')


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_lacks_are_refused(constant: str) -> None:
    with pytest.raises(ValueError, match=f"^{constant} is not a number of JSON$"):
        json.loads(f'{{"a": [{constant}]}}', parse_constant=reject_constant)


def test_the_sign_of_a_number_counts_as_a_digit() -> None:
    parse = bounded_int(3)
    assert (parse("123"), parse("-12")) == (123, -12)
    with pytest.raises(ValueError, match="a number of 4 digits; at most 3 are allowed"):
        parse("-123")
