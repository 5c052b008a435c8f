"""Validators of JSON values, each of which also gives its JSON Schema.

A validator raises ValueError; the message begins with the path to the value within the document.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, NamedTuple

Check = Callable[[Any], None]
Schema = Dict[str, Any]

_LONGEST_VALUE = 60
"""Characters of a value that a message quotes."""


class Validator(NamedTuple):
    """A check of a JSON value and the JSON Schema that accepts the same values.

    Attributes:
        check: Raise ValueError if the value is invalid.
        schema: The JSON Schema (draft 2020-12), with references to ``definitions``.
        definitions: Schemas by name, for the document's ``$defs``.

    Example:
        >>> size().schema
        {'type': 'integer', 'minimum': 0}
        >>> size().check(-1)
        Traceback (most recent call last):
            ...
        ValueError: expected a whole number that is not negative, found -1
    """

    check: Check
    schema: Schema
    definitions: Mapping[str, Schema] = {}


def anything() -> Validator:
    """Accept any JSON value.

    Returns:
        A validator with an empty schema.
    """

    def check(value: Any) -> None:
        pass

    return Validator(check, {})


def constant(expected: Any) -> Validator:
    """Accept one value, of the same type: 1.0 and True are not 1.

    Args:
        expected: The value: text, number or boolean.

    Returns:
        The validator.
    """

    def check(value: Any) -> None:
        if type(value) is not type(expected) or value != expected:
            raise ValueError(f"expected {expected!r}, found {short(value)}")

    return Validator(check, {"const": expected})


def null() -> Validator:
    """Accept null.

    Returns:
        A validator of None.
    """

    def check(value: Any) -> None:
        if value is not None:
            raise ValueError(f"expected null, found {short(value)}")

    return Validator(check, {"type": "null"})


def text() -> Validator:
    """Accept a string.

    Returns:
        A validator of ``str``.
    """

    def check(value: Any) -> None:
        if type(value) is not str:
            raise ValueError(f"expected a text, found {short(value)}")

    return Validator(check, {"type": "string"})


def boolean() -> Validator:
    """Accept true and false.

    Returns:
        A validator of ``bool``; 0 and 1 are refused.
    """

    def check(value: Any) -> None:
        if type(value) is not bool:
            raise ValueError(f"expected true or false, found {short(value)}")

    return Validator(check, {"type": "boolean"})


def number() -> Validator:
    """Accept a number, whole or not.

    Returns:
        A validator of ``int`` and ``float``; booleans are refused.
    """

    def check(value: Any) -> None:
        if type(value) not in (int, float):
            raise ValueError(f"expected a number, found {short(value)}")

    return Validator(check, {"type": "number"})


def size() -> Validator:
    """Accept a whole number that is not negative.

    Returns:
        A validator of ``int``; booleans and 1.0 are refused.
    """

    def check(value: Any) -> None:
        if type(value) is not int or value < 0:
            raise ValueError(f"expected a whole number that is not negative, found {short(value)}")

    return Validator(check, {"type": "integer", "minimum": 0})


def one_of(*choices: str) -> Validator:
    """Accept some texts.

    Args:
        choices: The texts, in the order of the message.

    Returns:
        A validator of ``str``.
    """

    def check(value: Any) -> None:
        if type(value) is not str or value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, found {short(value)}")

    return Validator(check, {"enum": list(choices)})


def matching(pattern: str) -> Validator:
    """Accept a text that a regular expression matches from end to end.

    Args:
        pattern: The expression, of the subset that Python and JSON Schema share.

    Returns:
        A validator of ``str``.
    """
    match = re.compile(pattern).fullmatch

    def check(value: Any) -> None:
        if type(value) is not str or not match(value):
            raise ValueError(f"expected a text that matches {pattern}, found {short(value)}")

    return Validator(check, {"type": "string", "pattern": f"^{pattern}$"})


def short(value: Any) -> str:
    """Return a value as a message quotes it, cut if it is long.

    Args:
        value: The JSON value.

    Returns:
        Its ``repr``, or the beginning of it and three dots.
    """
    quoted = repr(value)
    return quoted if len(quoted) <= _LONGEST_VALUE else quoted[: _LONGEST_VALUE - 3] + "..."
